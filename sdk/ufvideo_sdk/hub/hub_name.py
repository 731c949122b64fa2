"""Names of repositories on the Hugging Face Hub: `hf:USER/NAME[@REVISION]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.validation.urls import is_url, shown_url

PREFIX = "hf:"
DEFAULT_REVISION = "main"
_EXAMPLE = "hf:Hevven/UFVideo-7B"

# As the Hub allows them. A name becomes the name of a folder, a revision that of a file: neither
# may lead out of the cache.
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HOST = "huggingface.co"
# First parts of the Hub's URLs that are no user.
_OTHER_PAGES = ("datasets", "spaces", "docs", "papers", "collections", "blog")
# The manifest of a package records a revision, in a text of at most 256 bytes.
_MAX_REVISION = 200


@dataclass(frozen=True)
class HubName:
    """A repository, and which revision of it was asked for.

    Attributes:
        repository: "USER/NAME".
        revision: A branch, a tag or a commit of 40 hexadecimal digits.
    """

    repository: str
    revision: str = DEFAULT_REVISION

    def __str__(self) -> str:
        at = "" if self.revision == DEFAULT_REVISION else f"@{self.revision}"
        return f"{PREFIX}{self.repository}{at}"

    @property
    def is_commit(self) -> bool:
        """Whether the revision is a commit, whose files never change."""
        return _COMMIT.fullmatch(self.revision) is not None


@dataclass(frozen=True)
class HubRevision:
    """The commit of a repository that files were taken from.

    Attributes:
        repository: "USER/NAME".
        revision: What was asked for, such as "main".
        commit: What that was at the time, 40 hexadecimal digits.
    """

    repository: str
    revision: str
    commit: str

    def __str__(self) -> str:
        name = HubName(self.repository, self.revision)
        return str(name) if name.is_commit else f"{name} (commit {self.commit[:12]})"


def is_hub_name(value: object) -> bool:
    """Whether a value names a repository on the Hub. A `Path` never does, nor does "./hf:x"."""
    return isinstance(value, str) and value.startswith(PREFIX)


def parse_hub_name(text: str, argument: str) -> HubName:
    """Read `hf:USER/NAME[@REVISION]`.

    Args:
        text: What the caller gave; it begins with "hf:".
        argument: Name of the argument, for the message.

    Raises:
        InputError: When a part is missing, or is none that the Hub allows.
    """
    name, at, revision = text.removeprefix(PREFIX).partition("@")
    parts = name.split("/")
    if len(parts) != 2:
        raise _wrong(text, argument, f"a name of {len(parts)} part{'s' * (len(parts) != 1)}")
    for part in parts:
        if not _PART.fullmatch(part) or "--" in part or ".." in part or part.endswith(".git"):
            raise _wrong(text, argument, f"the part {_shown(part)}")
    if at and not _is_revision(revision):
        raise _wrong(text, argument, f"the revision {_shown(revision)}")
    return HubName(name, revision if at else DEFAULT_REVISION)


def hub_remedy(given: str) -> str:
    """How to name a repository, where a path that names no folder is spelled like one.

    Args:
        given: The path as the caller wrote it.

    Returns:
        The end of a message; empty if no repository has such a name.
    """
    if is_url(given):
        name = hub_name_of_url(given)
        return f"; {name} names it on the Hugging Face Hub" if name else ""
    if not _is_hub_name(f"{PREFIX}{given}"):
        return ""
    return f"; if it is a repository of the Hugging Face Hub, name it {PREFIX}{given}"


def hub_name_of_url(url: object) -> str:
    """`hf:USER/NAME` of the model that a URL of the Hub shows; empty for any other URL."""
    # Of a very long URL this is the beginning and "...", which no name has.
    host, *parts = shown_url(url).partition("://")[2].split("/")
    is_hub = host.lower() == _HOST or host.lower().endswith(f".{_HOST}")
    name = PREFIX + "/".join(parts[:2]).removesuffix(".git")
    is_model = is_hub and _is_hub_name(name) and parts[0] not in _OTHER_PAGES
    return name if is_model else ""


def _is_hub_name(text: str) -> bool:
    try:
        parse_hub_name(text, "")
    except InputError:
        return False
    return True


def _is_revision(text: str) -> bool:
    is_short = len(text) <= _MAX_REVISION
    return is_short and _REVISION.fullmatch(text) is not None and ".." not in text


def _shown(part: str) -> str:
    return ascii(part) if len(part) <= 100 else f"{part[:100]!a}..."


def _wrong(text: str, argument: str, got: str) -> InputError:
    return InputError(
        f"{argument}: expected hf:USER/NAME or hf:USER/NAME@REVISION, such as {_EXAMPLE}, got {got}"
        f" in {_shown(text)}; a folder whose name begins with {PREFIX} is named with ./ before it"
    )
