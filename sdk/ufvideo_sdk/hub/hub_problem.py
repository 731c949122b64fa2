"""What the Hub, the network or the cache refused, in the SDK's errors.

The texts of huggingface_hub's exceptions never get into these: they hold addresses that the Hub has
signed, and those of the libraries below it the headers of a request, which hold the token.
"""

from __future__ import annotations

from collections.abc import Iterator

from ufvideo_sdk.atomic_file import NO_ROOM
from ufvideo_sdk.errors import CapacityError, UFVideoError
from ufvideo_sdk.hub.hub_library import HubLibrary
from ufvideo_sdk.hub.hub_name import HubName

_LOGIN = "set HF_TOKEN or run `hf auth login`"


def hub_problem(
    error: BaseException, name: HubName, library: HubLibrary, kind: type[UFVideoError]
) -> UFVideoError:
    """The SDK's error for what huggingface_hub raised.

    Args:
        error: What it raised.
        name: The repository that was asked for.
        library: What asked.
        kind: The family that a repository which cannot be read belongs to.

    Returns:
        `CapacityError` for a full disk, else `kind`.
    """
    errors = library.errors
    system = _system_error(error)
    if system is not None and system.errno in NO_ROOM:
        return CapacityError(
            f"{name}: expected room in {library.constants.HF_HUB_CACHE}, got: {system.strerror};"
            " free some, or name a cache on another disk with HF_HOME; the download goes on from"
            " where it stopped"
        )
    if system is not None and system.filename is not None:
        return kind(
            f"{name}: expected a cache that can be written at {library.constants.HF_HUB_CACHE},"
            f" got: {system.strerror}; name another one with HF_HOME"
        )
    # A gated repository's error is a kind of a missing one's.
    if isinstance(error, errors.GatedRepoError):
        return kind(
            f"{name}: expected a repository whose conditions you have accepted, it is gated: accept"
            f" them on its page on the Hub{_token_remedy(library)}"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return kind(
            f"{name}: expected a branch, a tag or a commit of {name.repository}, got"
            f" {name.revision!r}, which it has not"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return kind(
            f"{name}: expected a model repository on the Hub, found none of that name that may be"
            f" read; if it is private{_token_remedy(library, and_then=',')}"
        )
    if isinstance(error, errors.EntryNotFoundError):
        return kind(f"{name}: expected the files that the Hub lists, one of them is not there")
    return kind(f"{name}: expected an answer of the Hub, got {_reason(error)}{_remedy(name)}")


def _token_remedy(library: HubLibrary, and_then: str = ", and then") -> str:
    try:
        has_token = library.has_token()
    except Exception:
        has_token = False
    if has_token:
        return f"{and_then} check that the token in use may read it"
    return f"{and_then} {_LOGIN} with a token that may read it"


def _remedy(name: HubName) -> str:
    return (
        "; try again later (what was downloaded is kept), or set HF_HUB_OFFLINE=1 to use what the"
        f" cache has of {name.repository}"
    )


def _reason(error: BaseException) -> str:
    """Why a request failed, in words that no server and no header wrote."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return f"HTTP status {status}"
    if any(isinstance(each, UnicodeError) for each in _chain(error)):
        return "a token that no header can hold: it has characters other than ASCII"
    system = _system_error(error)
    if system is not None:
        return str(system.strerror)
    kinds = " ".join(type(each).__name__ for each in _chain(error))
    if "Timeout" in kinds:
        return "none in time"
    # What the library raises for a file that ended early is a plain OSError.
    is_cut = any(word in kinds for word in ("Connect", "Protocol", "IncompleteRead"))
    if is_cut or type(error) is OSError:
        return "a connection that failed or was cut"
    return type(error).__name__


def _system_error(error: BaseException) -> OSError | None:
    """The first error of the system behind an exception."""
    for each in _chain(error):
        if isinstance(each, OSError) and isinstance(each.errno, int) and each.strerror:
            return each
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came of; urllib3 keeps that as `reason` or among the arguments."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        behind = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        waiting += [found for found in behind if isinstance(found, BaseException)]
