"""Whether the token ids of a manifest are what the package's tokenizer and template call so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ufvideo_sdk.errors import PackageError
from ufvideo_sdk.package.manifest import TokenConfig

REGION_TOKEN = "<region>"
SEG_TOKEN = "[SEG]"
TIME_TOKEN = "<TEMP-{:03}>"


def check_token_ids(path: Path, tokens: TokenConfig, names: Mapping[int, str]) -> None:
    """Compare the ids of the manifest with the tokenizer's added tokens.

    Args:
        path: The tokenizer's file, for the message.
        tokens: The manifest's ids.
        names: The added tokens by id.

    Raises:
        PackageError: Naming the first id that is another token, or none.
    """
    for key, token_id, name in _expected(tokens):
        found = names.get(token_id)
        if found is None:
            raise PackageError(
                f"{path}: expected the manifest's {key} among the added tokens, {token_id} is not"
            )
        if name is not None and found != name:
            raise PackageError(
                f"{path}: expected {name} at the manifest's {key}, {token_id} is {found!r}"
            )


def check_turn_end(path: Path, tokens: TokenConfig, after_turn: Sequence[str | int]) -> None:
    """Compare the ids that end an answer with what ends a turn: else no answer would ever end.

    Args:
        path: The template's file, for the message.
        tokens: The manifest's ids.
        after_turn: What the template has behind a turn's content, in plain text and token ids.

    Raises:
        PackageError: When none of the ids is there.
    """
    ids = [piece for piece in after_turn if isinstance(piece, int)]
    if not set(ids) & set(tokens.end_ids):
        raise PackageError(
            f"{path}: expected one of the manifest's tokens.end_ids {list(tokens.end_ids)} behind a"
            f" turn, got {ids}"
        )


def _expected(tokens: TokenConfig) -> Iterator[tuple[str, int, str | None]]:
    """Key, id and name of each token; None where a checkpoint may choose the name."""
    for token_id in tokens.end_ids:
        yield "tokens.end_ids", token_id, None
    yield "tokens.region_id", tokens.region_id, REGION_TOKEN
    yield "tokens.seg_id", tokens.seg_id, SEG_TOKEN
    for number in range(tokens.num_time_tokens):
        yield "tokens.time_first_id", tokens.time_first_id + number, TIME_TOKEN.format(number)
