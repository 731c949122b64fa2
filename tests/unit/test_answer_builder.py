"""Errors of an answer's masks keep their family, whatever their class is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from tests.unit.drawn_answers import drawn_answer
from ufvideo_sdk import CapacityError, InputError, PackageError, UFVideoError
from ufvideo_sdk.session.answer_builder import AnswerBuilder, PartialAnswer
from ufvideo_sdk.validation.strict_json import FieldError


class NamedError(InputError):
    """Takes more than a text, as a class may."""

    def __init__(self, *, name: str, number: int) -> None:
        super().__init__(f"{name} {number}")


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (InputError("frame 3"), InputError),
        (CapacityError("frame 3"), CapacityError),
        (FieldError("frame", "3"), PackageError),
        (NamedError(name="frame", number=3), InputError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_an_error_of_masks_is_of_the_same_family(
    monkeypatch: pytest.MonkeyPatch, error: UFVideoError, family: type[UFVideoError]
) -> None:
    def mask_tracks(*_: Any) -> None:
        raise error

    monkeypatch.setattr("ufvideo_sdk.session.answer_builder.mask_tracks", mask_tracks)
    builder = object.__new__(AnswerBuilder)
    builder._clip = drawn_answer().clip
    answer = drawn_answer(num_objects=0)
    given = {"segment_idxs": np.array([0]), "is_tracked": False}
    native, request = object(), type("Request", (), given)()
    partial = PartialAnswer(request, native, answer, np.zeros((1, 4), np.float32))  # type: ignore[arg-type]
    with pytest.raises(family, match=r"masks of the answer, .*frame.* 3") as caught:
        builder.with_masks(native, partial)  # type: ignore[arg-type]
    assert type(caught.value) is family
    assert caught.value.answer is answer and caught.value.__cause__ is error
