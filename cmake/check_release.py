"""`python cmake/check_release.py TAG`: a tag names the version, and the changelog has its section.

With --notes it prints that section. Needs Python and nothing else.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# As CMakeLists.txt reads it.
_VERSION = re.compile(r'^version = "(\d+\.\d+\.\d+[a-z0-9.]*)"$', re.MULTILINE)


def release_notes(changelog: str, version: str) -> str | None:
    """The changelog's section of a version, without its heading; None if there is none."""
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$"
    match = re.search(rf"{heading}\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    return None if match is None else match.group(1).strip()


def problem(tag: str, pyproject: str, changelog: str) -> str | None:
    """What is wrong with a tag; None if it can be released."""
    match = _VERSION.search(pyproject)
    if match is None:
        return 'pyproject.toml: expected a line such as version = "1.2.3", found none'
    version = match.group(1)
    if tag != f"v{version}":
        return f"expected the tag v{version}, as pyproject.toml says, got {tag}"
    if not release_notes(changelog, version):
        return f"CHANGELOG.md: expected a section '## [{version}] - YYYY-MM-DD', found none"
    return None


def main() -> int:
    """Check a tag, or print its notes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tag", help="such as v0.1.0")
    parser.add_argument("--notes", action="store_true", help="print the changelog's section")
    given = parser.parse_args()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = problem(given.tag, (ROOT / "pyproject.toml").read_text(encoding="utf-8"), changelog)
    if found is not None:
        print(found, file=sys.stderr)
        return 1
    if given.notes:
        print(release_notes(changelog, given.tag.removeprefix("v")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
