"""`hf:USER/NAME[@REVISION]`, and what is refused in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ufvideo_sdk import InputError
from ufvideo_sdk.hub.hub_name import HubName, HubRevision, hub_remedy, is_hub_name, parse_hub_name

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf:Hevven/UFVideo-7B", HubName("Hevven/UFVideo-7B", "main")),
        (
            "hf:google/siglip-so400m-patch14-384@v1.0",
            HubName("google/siglip-so400m-patch14-384", "v1.0"),
        ),
        ("hf:a/b@refs/pr/1", HubName("a/b", "refs/pr/1")),
        ("hf:a_1/b.c-d@feature/x+y", HubName("a_1/b.c-d", "feature/x+y")),
        (f"hf:a/b@{COMMIT}", HubName("a/b", COMMIT)),
    ],
)
def test_names(text: str, expected: HubName) -> None:
    assert parse_hub_name(text, "package") == expected
    assert str(expected) == text
    assert expected.is_commit == (expected.revision == COMMIT)


@pytest.mark.parametrize(
    "text",
    [
        "hf:",
        "hf:a",
        "hf:a/b/c",
        "hf:../x",
        "hf:a/..",
        "hf:a/.hidden",
        "hf:/a/b",
        "hf:a/b/",
        "hf:a//b",
        "hf://a/b",
        "hf:a/b@",
        "hf:a/b@../../x",
        "hf:a/b@x/../y",
        "hf:a/b@/etc/passwd",
        "hf:a/b@x y",
        "hf:a/b@-x",
        "hf:a/b@x@y",
        "hf:a/b@" + "x" * 201,
        "hf:a--b/c",
        "hf:a/b.git",
        "hf: a/b",
        "hf:a/b\n",
        "hf:ä/b",
        "hf:a/" + "b" * 97,
        "hf:a/b\0c",
        "hf:\ud800/b",
    ],
)
def test_malformed_names_are_refused(text: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_hub_name(text, "package")
    message = str(raised.value)
    assert message.startswith("package: expected hf:USER/NAME or hf:USER/NAME@REVISION")
    assert message.isprintable()
    assert len(message) < 500


def test_only_a_text_with_the_prefix_is_a_name() -> None:
    assert is_hub_name("hf:a/b")
    for other in (Path("hf:a/b"), "./hf:a/b", "HF:a/b", "a/b", "", None, b"hf:a/b", 3):
        assert not is_hub_name(other)


def test_a_revision_says_which_commit_it_was() -> None:
    assert str(HubRevision("a/b", "main", COMMIT)) == "hf:a/b (commit 0123456789ab)"
    assert str(HubRevision("a/b", "v1", COMMIT)) == "hf:a/b@v1 (commit 0123456789ab)"
    assert str(HubRevision("a/b", COMMIT, COMMIT)) == f"hf:a/b@{COMMIT}"


def test_a_path_that_is_spelled_like_a_repository() -> None:
    assert hub_remedy("user/name").endswith("name it hf:user/name")
    assert hub_remedy("user/name@v1").endswith("name it hf:user/name@v1")
    for path in ("name", "/user/name", "a/b/c", "../name", "user/", "user/na me", "user/name@"):
        assert hub_remedy(path) == "", path


def test_the_page_of_a_model_is_named() -> None:
    remedy = "; hf:user/name names it on the Hugging Face Hub"
    for page in ("user/name", "user/name.git", "user/name/tree/main", "user/name?library=x"):
        assert hub_remedy(f"https://huggingface.co/{page}") == remedy, page
    # As a path has it.
    assert hub_remedy("https:/huggingface.co/user/name") == remedy
    for url in ("huggingface.co", "huggingface.co/user", "huggingface.co/docs/hub", "a.b/c/d"):
        assert hub_remedy(f"https://{url}") == "", url
