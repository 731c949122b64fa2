"""YAML 1.2 as entries that know their lines.

Values are read by the core schema of YAML 1.2: `on`, `off`, `yes`, `no` and `22:30` are texts,
which YAML 1.1 reads as True, False and 1350. Keys are texts, however they are written. A key that
stands twice, an anchor, an alias and a tag are refused.
"""

from __future__ import annotations

import re
from typing import Any

from ufvideo_sdk.questions.document_error import DocumentError, Place, Problem
from ufvideo_sdk.questions.entry import Entry
from ufvideo_sdk.validation.optional_library import optional_library
from ufvideo_sdk.validation.strict_json import join_key, shown_key

INSTALL = "pip install 'ufvideo-sdk[cpu,watch]'"
MAX_CHARACTERS = 1 << 20

_OTHER_YAML = re.compile(r"^%YAML[ \t]+(?!1\.2(?:\s|$))\S+", re.MULTILINE)
_NULLS = ("", "~", "null", "Null", "NULL")
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# Longer integers are no setting of anything; they stay texts, which every number refuses.
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TAG = "tag:yaml.org,2002:"
# What the library finds by itself. Which of them a scalar is, is decided here.
_TAGS = {
    _TAG + kind
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
}
_QUOTES = 'put the text in quotes ("...")'
# What the library says, and what people had in mind.
_FIXES = (
    ("mapping values are not allowed", f'if a ": " belongs to a text, {_QUOTES}'),
    ("found character '\\t'", "indent with spaces, not with tabs"),
    ("that cannot start any token", _QUOTES),
    ("expected chomping or indentation", f"> and | begin a block; if it is a text, {_QUOTES}"),
    ("expected the node content", _QUOTES),
    ("could not find expected ':'", 'write "key: value", with a space behind the colon'),
    ("expected <block end>", "indent the keys of a mapping alike"),
    ("expected a comment or a line break", f"> and | begin a block; if it is a text, {_QUOTES}"),
    ("found another document", "keep one document, without a line ---"),
    ("undefined alias", f"write the value out; if the * belongs to a text, {_QUOTES}"),
)


def read_yaml(text: str, name: str) -> Entry:
    """Read a document.

    Args:
        text: YAML 1.2, one document.
        name: Name of the document for messages, such as "rules.yaml".

    Raises:
        ConfigError: When ruamel.yaml is not installed.
        DocumentError: When it is no YAML, is longer than 1 MiB, or has something that is refused.
    """
    library = optional_library("ruamel.yaml", "YAML", INSTALL)
    if len(text) > MAX_CHARACTERS:
        raise _refused(name, None, f"at most {MAX_CHARACTERS:,} characters", f"{len(text):,}")
    other = _OTHER_YAML.search(text)
    if other is not None:
        line = text.count("\n", 0, other.start()) + 1
        raise _refused(name, Place(line, 1), "YAML 1.2", other[0][:40], "leave the line out")
    try:
        node = _composed(library, text, name)
        if node is None:
            raise _refused(name, Place(1, 1), "a mapping", "an empty document")
        return _entry(node, "", name)
    except RecursionError:
        raise _refused(name, None, "YAML", "values nested too deeply") from None


def _composed(library: Any, text: str, name: str) -> Any:
    """Return the library's tree of nodes; None of an empty document."""
    try:
        return library.YAML(typ="safe", pure=True).compose(text)
    except library.error.YAMLError as error:
        raise _syntax_error(error, text, name) from None
    except (ValueError, OverflowError):
        # The library's `chr`, which says no place.
        expected, got = "characters of Unicode", 'an escape beyond "\\U0010FFFF"'
        raise _refused(name, None, expected, got, "write the character itself") from None


def _entry(node: Any, path: str, name: str) -> Entry:
    place = _place(node.start_mark)
    if node.anchor is not None:
        got = f"the anchor &{node.anchor}"
        raise _refused(name, place, "values that are written out", got, "copy the value", path)
    tag = str(node.tag)
    if tag not in _TAGS:
        raise _refused(name, place, "a value without a tag", f"the tag {tag}", "", path)
    if isinstance(node.value, str):
        return Entry(_scalar(node, tag, name, path), path, place)
    if tag == f"{_TAG}seq":
        items = [_entry(item, f"{path}[{i}]", name) for i, item in enumerate(node.value)]
        return Entry(items, path, place)
    if tag != f"{_TAG}map":
        raise _refused(name, place, "a mapping or a list", f"the tag {tag}", "", path)
    return _mapping(node, path, place, name)


def _mapping(node: Any, path: str, place: Place, name: str) -> Entry:
    children: dict[str, Entry] = {}
    places: dict[str, Place] = {}
    for key_node, value_node in node.value:
        key, key_place = key_node.value, _place(key_node.start_mark)
        if not isinstance(key, str):
            raise _refused(name, key_place, "a key that is a text", "a list or a mapping", "", path)
        child_path = join_key(path, shown_key(key))
        if not key:
            raise _refused(name, key_place, "a key", "an empty one", "", path)
        if key in places:
            got = f"it again (it first stands in line {places[key].line})"
            raise _refused(name, key_place, "each key once", got, "keep one of them", child_path)
        places[key] = key_place
        children[key] = _entry(value_node, child_path, name)
    return Entry(children, path, place, places)


def _scalar(node: Any, tag: str, name: str, path: str) -> object:
    text: str = node.value
    is_quoted = node.style not in (None, "")
    value = text if is_quoted else _plain_value(text)
    # The library has resolved tags too: where its tag is another kind's, the text names the tag.
    is_text = tag == f"{_TAG}str"
    is_tagged = not is_text if is_quoted else is_text and isinstance(value, (bool, int))
    if is_tagged:
        place = _place(node.start_mark)
        raise _refused(name, place, "a value without a tag", f"the tag {tag}", "", path)
    return value


def _plain_value(text: str) -> object:
    """A scalar without quotes by the core schema; decimal numbers only."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and not text.isdigit() else text


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _syntax_error(error: Any, text: str, name: str) -> DocumentError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        # A character that no YAML holds; its position is the library's.
        before = text[: getattr(error, "position", 0) or 0]
        column = len(before) - (before.rfind("\n") + 1) + 1
        place = Place(before.count("\n") + 1, column)
        return _refused(name, place, "YAML", "a control character", "remove it")
    said = " ".join(str(getattr(error, "problem", None) or error).split())
    fix = next((fix for words, fix in _FIXES if words in said), "")
    return _refused(name, _place(mark), "YAML", said.removeprefix("but "), fix)


def _refused(
    name: str, place: Place | None, expected: str, got: str, fix: str = "", path: str = ""
) -> DocumentError:
    return DocumentError(name, [Problem(path, expected, got, fix, place)])
