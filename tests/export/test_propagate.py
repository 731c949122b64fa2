"""Tracking in PyTorch against what was recorded, and the invariants training needs of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import FP32, MASK_LOGITS, MIN_MASK_IOU, REORDERED, assert_close, mask_iou

torch = pytest.importorskip("torch", reason="needs the export extra")
from ufvideo_export.checkpoint.checkpoint import Checkpoint  # noqa: E402
from ufvideo_export.torch_model.mask_model import frame_maps  # noqa: E402
from ufvideo_export.torch_model.model import load_sam2  # noqa: E402
from ufvideo_export.torch_model.propagate import TrackedFrame, propagate, propagate_maps  # noqa: E402
from ufvideo_sdk.errors import InputError  # noqa: E402

pytestmark = pytest.mark.torch
Golden = Callable[[str], dict[str, NDArray[Any]]]


@pytest.fixture
def sam(small_checkpoint: Path) -> Any:
    return load_sam2(Checkpoint(small_checkpoint))


@pytest.fixture
def track(golden: Golden) -> dict[str, NDArray[Any]]:
    return golden("track_first_frame")


def tracked(sam: Any, pixel_values: Any, prompts: Any) -> list[TrackedFrame]:
    """One clip, every object of `prompts` [O, C]."""
    frames = zip(*(each.unsqueeze(1) for each in frame_maps(sam, pixel_values)), strict=True)
    return propagate_maps(sam, list(frames), prompts)


def random_clips(sam: Any, *shape: int) -> tuple[Any, Any]:
    """Pixel values of this shape and prompts of as many objects as clips (at least two)."""
    random = torch.Generator().manual_seed(3)
    side, width = sam.config.image_size, sam.config.memory_attention_hidden_size
    pixel_values = torch.randn(*shape, 3, side, side, generator=random)
    return pixel_values, torch.randn(2, width, generator=random)


def test_every_frame_is_the_recorded_one(sam: Any, track: dict[str, NDArray[Any]]) -> None:
    pixel_values = torch.from_numpy(track["sam_pixel_values"])
    prompt = torch.from_numpy(track["language_embedding"])
    with torch.inference_mode():
        found = tracked(sam, pixel_values, prompt.unsqueeze(0))
        masks = propagate(sam, pixel_values, prompt).numpy()
    assert len(found) == len(track["mask_logits"]) == 10
    assert_close(masks, track["mask_logits"], MASK_LOGITS, where="mask logits")
    assert mask_iou(masks > 0, track["mask_logits"] > 0) >= MIN_MASK_IOU
    for idx, frame in enumerate(found):
        where = f"frame {idx}"
        assert_close(frame.mask_logits[0].numpy(), masks[idx], REORDERED, where=where)
        pointer, features = frame.object_pointers[0].numpy(), frame.memory_features[0].numpy()
        assert_close(pointer, track["obj_ptr"][idx], FP32, where=f"{where} pointer")
        assert_close(features, track["memory_features"][idx], FP32, where=f"{where} memory")


def test_memory_is_what_the_released_code_gathers(sam: Any) -> None:
    """The recorded clip is shorter than the pointers' window, and hardly depends on time rows."""
    pixel_values, prompts = random_clips(sam, 19)
    given: list[tuple[Any, ...]] = []
    sam.memory_attention.register_forward_pre_hook(
        lambda _, args, kwargs: given.append((*args, *kwargs.values())), with_kwargs=True
    )
    with torch.inference_mode():
        found = tracked(sam, pixel_values, prompts[:1])
    _, memory, _, places, num_pointer_tokens = given[-1]
    # At frame 18: the prompted frame in the row of the oldest, then six frames by their distance.
    expected_frames = [0, 12, 13, 14, 15, 16, 17]
    features = torch.cat(
        [found[idx].memory_features.flatten(2).permute(2, 0, 1) for idx in expected_frames]
    )
    # Frame 0's pointer and those of the 15 frames before this one, four tokens of 64 each.
    pointers = torch.cat(
        [found[idx].object_pointers.reshape(4, 1, 64) for idx in (0, *range(17, 2, -1))]
    )
    assert num_pointer_tokens == len(pointers) == 64
    assert_close(memory.numpy(), torch.cat([features, pointers]).numpy(), REORDERED, where="memory")
    assert not places[-64:].any()
    grid = found[0].memory_features.shape[-1] ** 2
    times = places[:-64].reshape(7, grid, -1) - places[:grid].reshape(1, grid, -1)
    encoding = sam.memory_temporal_positional_encoding.detach().reshape(7, 1, -1)
    rows = encoding[[6, 5, 4, 3, 2, 1, 0]] - encoding[6]
    assert_close(times.numpy(), rows.expand_as(times).numpy(), REORDERED, where="time rows")


def test_objects_in_one_batch_are_the_objects_alone(sam: Any) -> None:
    pixel_values, prompts = random_clips(sam, 4)
    with torch.inference_mode():
        together = propagate(sam, pixel_values, prompts)
        for mask, prompt in zip(together, prompts, strict=True):
            alone = propagate(sam, pixel_values, prompt)
            assert_close(mask.numpy(), alone.numpy(), FP32, where="object alone")


def test_clips_in_one_batch_are_the_clips_alone(sam: Any) -> None:
    pixel_values, prompts = random_clips(sam, 3, 2)
    with torch.inference_mode():
        together = propagate(sam, pixel_values, prompts)
        for idx in range(2):
            alone = propagate(sam, pixel_values[:, idx], prompts[idx])
            assert_close(together[idx].numpy(), alone.numpy(), FP32, where=f"clip {idx}")
    assert np.abs((together[0] - together[1]).numpy()).max() > 1e-3


def test_last_mask_trains_the_first_prompt_and_the_memory(sam: Any) -> None:
    pixel_values, prompts = random_clips(sam, 3)
    with torch.inference_mode():
        # An evaluation before must leave nothing behind that autograd refuses.
        propagate(sam, pixel_values, prompts)
    prompts.requires_grad_()
    propagate(sam, pixel_values, prompts)[:, -1].square().sum().backward()
    reached = {
        "prompt": prompts,
        "memory encoder": sam.memory_encoder.projection.weight,
        "memory attention": sam.memory_attention.layers[0].cross_attn_image.k_proj.weight,
        "pointer": sam.object_pointer_proj.proj_in.weight,
        "time": sam.memory_temporal_positional_encoding,
        "image encoder": sam.vision_encoder.neck.convs[0].weight,
    }
    for name, tensor in reached.items():
        assert tensor.grad is not None, name
        assert torch.isfinite(tensor.grad).all() and tensor.grad.any(), name


@pytest.mark.parametrize(
    ("pixel_shape", "prompt_shape"),
    [((3, 32, 32), (256,)), ((2, 3, 3, 32, 32), (2, 256)), ((2, 3, 32, 32), (1, 2, 256))],
)
def test_other_shapes_are_refused(
    sam: Any, pixel_shape: tuple[int, ...], prompt_shape: tuple[int, ...]
) -> None:
    with pytest.raises(InputError, match=r"expected prompts .* got \["):
        propagate(sam, torch.zeros(pixel_shape), torch.zeros(prompt_shape))
