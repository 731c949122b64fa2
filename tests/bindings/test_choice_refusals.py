"""Choices that the native session refuses, whoever calls it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.bindings.conftest import native_config
from ufvideo_sdk import _native, errors
from ufvideo_sdk.package.file_names import MANIFEST_NAME
from ufvideo_sdk.package.manifest import read_manifest
from ufvideo_sdk.package.shipped_package import shipped_package


@pytest.fixture(scope="module")
def manifest() -> Any:
    return read_manifest(shipped_package() / MANIFEST_NAME)


@pytest.fixture(scope="module")
def session(manifest: Any) -> Any:
    session = _native.Session(_native.Model.load(str(shipped_package()), native_config()))
    idxs = list(range(manifest.video.num_frames))
    frames = np.zeros((len(idxs), 32, 48, 3), np.uint8)
    session.open_clip(_native.Clip(frames=frames, frame_idxs=idxs))
    return session


def tree(manifest: Any, spellings: list[tuple[int, list[int]]], **sizes: Any) -> Any:
    given = {"vocab_size": manifest.model.vocab_size, "end_ids": list(manifest.tokens.end_ids)}
    return _native.ChoiceTree(spellings, **(given | sizes))


def prompt(manifest: Any, choices: Any, **parts: Any) -> Any:
    ids = [10, manifest.tokens.video_placeholder_id, 11]
    return _native.Prompt(token_ids=ids, choices=choices, **parts)


def test_settings_that_leave_choices_nothing_to_do(session: Any, manifest: Any) -> None:
    two = tree(manifest, [(0, [20, 21]), (1, [22])])
    for config, message in (
        (_native.GenerationConfig(temperature=0.5), "expected temperature 0"),
        (_native.GenerationConfig(repetition_penalty=1.5), "repetition_penalty 1"),
    ):
        for ask in (session.generate, session.begin):
            with pytest.raises(errors.InputError, match=message):
                ask(prompt(manifest, two), config)
        with pytest.raises(errors.InputError, match=rf"prompts\[0\]: .*{message}"):
            session.generate_many([prompt(manifest, two)], config)
    with pytest.raises(errors.ConfigError, match="max_new_tokens: expected 2 or more"):
        session.generate(prompt(manifest, two), _native.GenerationConfig(max_new_tokens=1))
    assert session.generate(prompt(manifest, two), _native.GenerationConfig()).choice in (0, 1)


def test_choices_of_another_model_or_beside_a_format(session: Any, manifest: Any) -> None:
    greedy = _native.GenerationConfig()
    other = tree(manifest, [(0, [20])], vocab_size=30)
    with pytest.raises(errors.InputError, match=r"this model's vocabulary of \d+ tokens.* for 30"):
        session.generate(prompt(manifest, other), greedy)
    anything = _native.TokenAutomaton(
        [_native.TokenState([(20, 20, 1)]), _native.TokenState([], is_end=True)],
        vocab_size=manifest.model.vocab_size,
        end_ids=list(manifest.tokens.end_ids),
    )
    both = prompt(manifest, tree(manifest, [(0, [20])]), response_format=anything)
    with pytest.raises(errors.InputError, match="expected no response_format beside them"):
        session.generate(both, greedy)


@pytest.mark.parametrize(
    ("spellings", "message"),
    [
        ([], "expected a spelling, got none"),
        ([(0, [])], r"spellings\[0\]: expected a token"),
        ([(0, [20]), (1, [20])], "each spelling once"),
        ([(0, [20]), (2, [21]), (2, [22])], "got none of choice 1"),
        ([(-1, [20])], "expected a choice from 0"),
        ([(0, [-3])], "expected ids from 0"),
    ],
)
def test_trees_that_are_none(manifest: Any, spellings: Any, message: str) -> None:
    with pytest.raises(errors.InputError, match=message):
        tree(manifest, spellings)
