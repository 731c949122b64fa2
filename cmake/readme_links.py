"""`python cmake/readme_links.py URL REVISION`: make the README's relative links absolute.

The package index shows the README without the files beside it. README.md is changed in place, for
a release's build. Needs Python and nothing else.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
# Markdown's `](target)`, and the attributes of an <img> or <a>.
_LINK = re.compile(r"""(\]\(|\b(?:src|href)=")([^)"\s]+)""")
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|#|//", re.IGNORECASE)
_PICTURES = (".gif", ".png", ".jpg", ".svg", ".webp")


def absolute_links(text: str, url: str, revision: str) -> str:
    """The text with links to files of the repository as links to its pages.

    Args:
        text: Markdown.
        url: Of the repository, without a slash at the end.
        revision: Tag or commit that the links show.
    """

    def absolute(match: re.Match[str]) -> str:
        before, target = match.groups()
        if _ABSOLUTE.match(target):
            return match[0]
        kind = "raw" if target.endswith(_PICTURES) else "blob"
        return f"{before}{url}/{kind}/{revision}/{target.removeprefix('./')}"

    return _LINK.sub(absolute, text)


def main() -> int:
    """Change README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of the repository, such as https://example.org/owner/name")
    parser.add_argument("revision", help="tag or commit that the links show")
    given = parser.parse_args()
    text = absolute_links(README.read_text(encoding="utf-8"), given.url, given.revision)
    README.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
