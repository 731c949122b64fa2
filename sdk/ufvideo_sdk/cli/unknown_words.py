"""The line of `ask`, `segment` and `locate` about words that nano was never taught."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ufvideo_sdk.cli.say import say

if TYPE_CHECKING:
    from ufvideo_sdk.model import UFVideo


def say_unknown_words(model: UFVideo, package: str | None, text: str) -> None:
    """Say on stderr if a text is unlike everything that nano was taught.

    Of other packages nothing is said: what their tokens tell is not known.

    Args:
        model: The loaded model.
        package: The package that was named; None for nano.
        text: A question, an expression or an event.
    """
    from ufvideo_sdk.package.shipped_package import SHIPPED_NAME
    from ufvideo_sdk.text.unknown_words import is_unlike, unknown_words

    if package is not None or model.manifest.model.name != SHIPPED_NAME:
        return
    unknown = unknown_words(model.tokenizer, text)
    if is_unlike(text, unknown):
        say(
            f"nano does not know these words: {', '.join(unknown)}. It answers about the nearest"
            " thing it knows, or about none.",
            err=True,
        )
