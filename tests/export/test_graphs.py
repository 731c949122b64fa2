"""The graphs in ONNX Runtime: against the golden data, and against themselves in other pieces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.compare import EXACT, FP16, FP32, MASK_LOGITS, REORDERED, Tolerance, assert_close

pytest.importorskip("torch", reason="needs the export extra")
from ufvideo_sdk.package.manifest import Manifest, read_manifest

pytestmark = pytest.mark.torch
Golden = Callable[[str], dict[str, NDArray[Any]]]
OpenGraph = Callable[[Path, str], Any]

MASK_OUTPUTS = ("mask_logits", "iou_scores", "object_score", "obj_ptr")
MAPS = ("image_features", "high_res_features_0", "high_res_features_1")


class Decoder:
    """The language model's graph with its cache, fed in any pieces."""

    def __init__(self, session: Any, manifest: Manifest, *, batch: int = 1, room: int = 96) -> None:
        self.session = session
        self.names = [output.name for output in session.get_outputs()]
        facts = manifest.model
        shape = (batch, facts.num_key_value_heads, room, facts.head_dim)
        half = manifest.stages["language_model"].precision == "fp16"
        self.cache = {
            value.name: np.zeros(shape, np.float16 if half else np.float32)
            for value in session.get_inputs()
            if value.name.startswith("past_key_values")
        }
        self.length = 0

    def feed(self, embeds: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Embeddings [B, S, D] -> logits [B, 1, V] and states [B, S, D]."""
        batch, length, _ = embeds.shape
        self.length += length
        inputs = {
            "inputs_embeds": embeds,
            "seqlens_k": np.full(batch, self.length - 1, np.int32),
            "total_sequence_length": np.array([self.length], np.int32),
        }
        found = dict(
            zip(self.names, self.session.run(self.names, inputs | self.cache), strict=True)
        )
        logits, states = found.pop("logits"), found.pop("hidden_states")
        self.cache = {name.replace("present", "past_key_values"): found[name] for name in found}
        return logits, states

    def positions(self) -> NDArray[Any]:
        """All keys and values of the positions held."""
        return np.stack([self.cache[name][:, :, : self.length] for name in sorted(self.cache)])


@pytest.fixture(params=["fp32", "fp16"])
def package(request: pytest.FixtureRequest) -> Path:
    fixture = {"fp32": "small_package", "fp16": "small_package_fp16"}[request.param]
    return request.getfixturevalue(fixture)


def tolerance(package: Path, fp32: Tolerance = FP32) -> Tolerance:
    return (
        FP16
        if read_manifest(package / "manifest.json").stages["aligner"].precision == "fp16"
        else fp32
    )


def siglip_frames(pixel_values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The uint8 frames [T, S, S, 3] behind normalised pixels [T, 3, S, S]."""
    return np.rint((pixel_values * 0.5 + 0.5) * 255).astype(np.uint8).transpose(0, 2, 3, 1)


def sam_frames(pixel_values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The same for SAM 2's normalisation."""
    mean = np.array([123.675, 116.28, 103.53], np.float32).reshape(1, 3, 1, 1)
    std = np.array([58.395, 57.12, 57.375], np.float32).reshape(1, 3, 1, 1)
    return np.rint(pixel_values * std + mean).astype(np.uint8).transpose(0, 2, 3, 1)


def test_frames_to_video_tokens(package: Path, golden: Golden, open_graph: OpenGraph) -> None:
    arrays, bound = golden("global_qa"), tolerance(package)
    frames = siglip_frames(arrays["pixel_values"])
    features = open_graph(package, "vision_encoder").run(None, {"frames": frames})[0]
    assert_close(features, arrays["vision_features"], bound, where="features")
    tokens = open_graph(package, "aligner").run(None, {"features": features})[0]
    assert_close(tokens, arrays["video_tokens"], bound, where="video tokens")


def test_frames_stand_alone(small_package: Path, golden: Golden, open_graph: OpenGraph) -> None:
    frames = siglip_frames(golden("global_qa")["pixel_values"])
    session = open_graph(small_package, "vision_encoder")
    whole = session.run(None, {"frames": frames})[0]
    single = [session.run(None, {"frames": frames[t : t + 1]})[0] for t in range(len(frames))]
    assert_close(np.concatenate(single), whole, REORDERED, where="features")


def test_frame_pairs_stand_alone(
    small_package: Path, golden: Golden, open_graph: OpenGraph
) -> None:
    features = golden("global_qa")["vision_features"]
    session = open_graph(small_package, "aligner")
    whole = session.run(None, {"features": features})[0]
    pairs = [session.run(None, {"features": features[t : t + 2]})[0] for t in range(0, 8, 2)]
    assert_close(np.concatenate(pairs), whole, REORDERED, where="video tokens")
    # An odd last frame is dropped.
    odd = session.run(None, {"features": features[:7]})[0]
    assert_close(odd, whole[: len(odd)], REORDERED, where="seven frames")
    assert len(odd) == len(whole) * 3 // 4


def test_token_embedder(package: Path, golden: Golden, open_graph: OpenGraph) -> None:
    arrays = golden("global_qa")
    ids = arrays["input_ids"][0]
    start = int(np.flatnonzero(ids < 0)[0])
    session = open_graph(package, "token_embedder")
    rows = session.run(None, {"token_ids": ids[:start]})[0]
    # The recorded weights are exact in fp16.
    assert_close(rows, arrays["inputs_embeds"][:start], EXACT, where="embeddings")


def test_prefill_and_greedy_decoding(package: Path, golden: Golden, open_graph: OpenGraph) -> None:
    arrays, bound = golden("segment_generated_0"), tolerance(package)
    embedder = open_graph(package, "token_embedder")
    decoder = Decoder(
        open_graph(package, "language_model"), read_manifest(package / "manifest.json")
    )
    logits, states = decoder.feed(arrays["inputs_embeds"][None])
    assert_close(states[0], arrays["prefill_hidden"], bound, where="states")
    assert_close(logits[0, 0], arrays["prefill_logits_last"], bound, where="logits")
    generated = []
    for row, expected in zip(arrays["generated_hidden"], arrays["generated_ids"], strict=True):
        assert_close(states[0, -1], row, bound, where=f"state of token {len(generated)}")
        generated.append(int(logits.argmax()))
        assert generated[-1] == expected
        ids = np.array(generated[-1:], np.int64)
        logits, states = decoder.feed(embedder.run(None, {"token_ids": ids})[0][None])


@pytest.mark.parametrize("cuts", [(1,), (7, 8), (3, 20, 41), tuple(range(1, 43))])
def test_chunked_prefill_is_whole_prefill(
    small_package: Path, golden: Golden, open_graph: OpenGraph, cuts: tuple[int, ...]
) -> None:
    embeds = golden("segment_generated_0")["inputs_embeds"][None]
    session = open_graph(small_package, "language_model")
    manifest = read_manifest(small_package / "manifest.json")
    whole, pieces = Decoder(session, manifest), Decoder(session, manifest)
    logits, states = whole.feed(embeds)
    fed = [pieces.feed(chunk) for chunk in np.split(embeds, cuts, axis=1)]
    assert_close(fed[-1][0], logits, REORDERED, where="logits")
    found = np.concatenate([states for _, states in fed], axis=1)
    assert_close(found, states, REORDERED, where="states")
    assert_close(pieces.positions(), whole.positions(), REORDERED, where="cache")


def test_rewinding_and_feeding_again_changes_nothing(
    small_package: Path, golden: Golden, open_graph: OpenGraph
) -> None:
    embeds = golden("segment_generated_0")["inputs_embeds"][None]
    manifest = read_manifest(small_package / "manifest.json")
    decoder = Decoder(open_graph(small_package, "language_model"), manifest)
    decoder.feed(embeds[:, :20])
    first = decoder.feed(embeds[:, 20:])
    decoder.length = 20
    again = decoder.feed(embeds[:, 20:])
    assert_close(again[0], first[0], EXACT, where="logits")
    assert_close(again[1], first[1], EXACT, where="states")


def test_batch_is_one_by_one(small_package: Path, golden: Golden, open_graph: OpenGraph) -> None:
    session = open_graph(small_package, "language_model")
    manifest = read_manifest(small_package / "manifest.json")
    embeds = np.stack([golden(case)["inputs_embeds"][:30] for case in ("temporal", "multi_turn")])
    both, _ = Decoder(session, manifest, batch=2).feed(embeds)
    for row in range(2):
        alone, _ = Decoder(session, manifest).feed(embeds[row : row + 1])
        assert_close(both[row : row + 1], alone, REORDERED, where=f"row {row}")


@pytest.mark.parametrize("case", ["segment_generated_0", "segment_generated_1"])
def test_masks(package: Path, golden: Golden, open_graph: OpenGraph, case: str) -> None:
    arrays, bound = golden(case), tolerance(package, MASK_LOGITS)
    encoder, decoder = open_graph(package, "mask_encoder"), open_graph(package, "mask_decoder")
    maps = encoder.run(None, {"frames": sam_frames(arrays["sam_pixel_values"])})
    position = int(arrays["seg_positions"][0])
    rows = {"preceding": position - 1, "predicting": position}
    states = arrays["generated_hidden"][list(rows.values())]
    for frame in range(len(maps[0])):
        of_frame = {name: each[frame : frame + 1] for name, each in zip(MAPS, maps, strict=True)}
        outputs = decoder.run(None, {"hidden_states": states, **of_frame})
        for number, kind in enumerate(rows):
            for name, found in zip(MASK_OUTPUTS, outputs, strict=True):
                expected = arrays[f"{name}_{kind}"][0, frame]
                assert_close(found[number], expected, bound, where=f"{kind} {name}")


def test_manifest_says_what_the_graphs_say(package: Path, open_graph: OpenGraph) -> None:
    types = {
        "tensor(uint8)": "uint8",
        "tensor(int32)": "int32",
        "tensor(int64)": "int64",
        "tensor(float16)": "float16",
        "tensor(float)": "float32",
    }
    for stem, entry in read_manifest(package / "manifest.json").stages.items():
        session = open_graph(package, stem)
        for declared, found in (
            (entry.inputs, session.get_inputs()),
            (entry.outputs, session.get_outputs()),
        ):
            expected = [(value.name, value.dtype, list(value.shape)) for value in declared]
            assert expected == [(value.name, types[value.type], value.shape) for value in found]
