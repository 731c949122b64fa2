"""Graphs of a package that do what no exported graph does, through the border and ONNX Runtime."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")
pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from tests.bindings.conftest import native_config  # noqa: E402
from ufvideo_sdk import UFVideo, _native  # noqa: E402
from ufvideo_sdk.errors import InferenceError, PackageError  # noqa: E402

TINY = Path(__file__).parents[1] / "data" / "tiny" / "package"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "package"))


def repair(package: Path) -> None:
    """Make sizes and digests of the manifest right again."""
    manifest = json.loads((package / "manifest.json").read_text())
    for stage in manifest["stages"].values():
        for entry in (stage["graph"], stage["weights"]):
            if entry is not None:
                path = package / entry["path"]
                entry["size_bytes"] = path.stat().st_size
                entry["sha256"] = _native.sha256_file(str(path))
    (package / "manifest.json").write_text(json.dumps(manifest))


def edit(package: Path, stem: str, change: Callable[[Any], None]) -> None:
    path = package / f"{stem}.onnx"
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    repair(package)


def edit_manifest(package: Path, change: Callable[[Any], None]) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    change(manifest)
    (package / "manifest.json").write_text(json.dumps(manifest))


def load(package: Path) -> Any:
    return _native.Model.load(str(package), native_config(num_threads=1))


def endless_loop(model: Any) -> None:
    """Region tokens that a Loop of 10^12 rounds hands on, cancelled by nobody."""
    helper, graph = onnx.helper, model.graph
    kind, shape = onnx.TensorProto.FLOAT, ["R", 32]
    for node in graph.node:
        node.output[:] = ["once" if out == "region_tokens" else out for out in node.output]
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Identity", ["before"], ["after"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("round", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", kind, shape),
        ],
        [
            helper.make_tensor_value_info("on", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", kind, shape),
        ],
    )
    graph.initializer.append(helper.make_tensor("rounds", onnx.TensorProto.INT64, [], [10**12]))
    graph.initializer.append(helper.make_tensor("yes", onnx.TensorProto.BOOL, [], [True]))
    graph.node.append(
        helper.make_node("Loop", ["rounds", "yes", "once"], ["region_tokens"], body=body)
    )


def test_a_loop_is_refused(package: Path) -> None:
    edit(package, "region_encoder", endless_loop)
    with pytest.raises(PackageError, match=r"region_encoder\.onnx: expected .*ufvideo export"):
        load(package)


def test_a_function_is_refused(package: Path) -> None:
    """A function may take the name of an operator that is allowed."""

    def change(model: Any) -> None:
        node = onnx.helper.make_node("Identity", ["x"], ["y"])
        opsets = [onnx.helper.make_opsetid("", 20)]
        model.functions.append(onnx.helper.make_function("", "Relu", ["x"], ["y"], [node], opsets))

    edit(package, "aligner", change)
    with pytest.raises(PackageError, match="fields of ModelProto"):
        load(package)


def test_the_format_of_onnx_runtime_is_refused(package: Path, tmp_path: Path) -> None:
    """It would be opened by its name alone, with whatever operators it holds."""
    ort = pytest.importorskip("onnxruntime")
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "region_encoder.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(package / "region_encoder.onnx", options, ["CPUExecutionProvider"])
    (tmp_path / "region_encoder.ort").rename(package / "region_encoder.ort")
    edit_manifest(
        package,
        lambda m: m["stages"]["region_encoder"]["graph"].update(path="region_encoder.ort"),
    )
    repair(package)
    with pytest.raises(PackageError, match=r"region_encoder\.ort: expected"):
        load(package)


def external(package: Path, location: str, *, hidden_by: bytes = b"") -> None:
    """Move a weight of region_encoder to another file; `hidden_by` follows the location's value."""
    path = package / "region_encoder.onnx"
    model = onnx.load(path)
    tensor = next(t for t in model.graph.initializer if len(t.raw_data) > 64)
    size = len(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    tensor.external_data.add(key="offset", value="0")
    tensor.external_data.add(key="length", value=str(size))
    if hidden_by:
        entry = tensor.external_data[0]
        plain = entry.SerializeToString()
        # Field 3 of StringStringEntryProto, which there is none.
        entry.MergeFromString(plain + b"\x1a" + bytes([len(hidden_by)]) + hidden_by)
    path.write_bytes(model.SerializeToString())


def listed_weights(package: Path, path: str) -> None:
    (package / path).parent.mkdir(parents=True, exist_ok=True)
    (package / path).write_bytes(bytes(1 << 16))
    weights = {"path": path, "size_bytes": 1, "sha256": "0" * 64}
    edit_manifest(package, lambda m: m["stages"]["region_encoder"].update(weights=weights))


def test_listed_weights_open(package: Path) -> None:
    listed_weights(package, "region_encoder.onnx.data")
    external(package, "region_encoder.onnx.data")
    repair(package)
    load(package)


@pytest.mark.parametrize("hidden_by", [b"", b"region_encoder.onnx.data"], ids=["plain", "hidden"])
@pytest.mark.parametrize("where", ["absolute", "parent", "link", "unlisted"])
def test_weights_in_another_file_are_refused(
    package: Path, tmp_path: Path, where: str, hidden_by: bytes
) -> None:
    outside = tmp_path / "secret.bin"
    outside.write_bytes(bytes(1 << 16))
    listed_weights(package, "region_encoder.onnx.data")
    (package / "link.bin").symlink_to(outside)
    (package / "unlisted.bin").write_bytes(bytes(1 << 16))
    location = {
        "absolute": str(outside),
        "parent": "../secret.bin",
        "link": "link.bin",
        "unlisted": "unlisted.bin",
    }[where]
    external(package, location, hidden_by=hidden_by)
    repair(package)
    with pytest.raises(PackageError, match=r"region_encoder\.onnx: expected"):
        load(package)


def test_weights_of_that_name_in_another_folder_are_refused(package: Path) -> None:
    """The digest is that of sub/region_encoder.onnx.data; the one beside the graph has none."""
    listed_weights(package, "sub/region_encoder.onnx.data")
    (package / "region_encoder.onnx.data").write_bytes(bytes(1 << 16))
    external(package, "region_encoder.onnx.data")
    repair(package)
    with pytest.raises(PackageError, match="beside the graph"):
        load(package)


def test_more_positions_than_the_tables_have_are_refused(package: Path) -> None:
    edit_manifest(package, lambda m: m["model"].update(max_position_embeddings=1 << 20))
    with pytest.raises(PackageError, match=r"max_position_embeddings 1048576 .* has 512"):
        load(package)


@pytest.mark.parametrize("precision", ["fp16", "int8", "int4"])
@pytest.mark.parametrize("stem", ["vision_encoder", "token_embedder"])
def test_another_precision_than_the_graphs_is_refused(
    package: Path, stem: str, precision: str
) -> None:
    edit_manifest(package, lambda m: m["stages"][stem].update(precision=precision))
    with pytest.raises(PackageError, match=rf"{stem}\.onnx: .*{precision}, the graph's are fp32"):
        load(package)


def test_bytes_that_are_no_text_stay_in_the_message(package: Path) -> None:
    """ONNX Runtime quotes names of a graph; strictly decoded they were a UnicodeDecodeError."""
    path = package / "region_encoder.onnx"
    model = onnx.load(path)
    name = model.graph.node[0].output[0]
    assert len(name) > 2
    content = path.read_bytes()
    # As an output alone: the node that takes it in finds none of that name.
    at = content.index(b"\x12" + bytes([len(name)]) + name.encode())
    broken = content[: at + 2] + b"\xff\xfe" + content[at + 4 :]
    path.write_bytes(broken)
    repair(package)
    with pytest.raises(PackageError, match="it said: "):
        load(package)
    node = content.index(b"\x0a" + bytes([len(name)]) + name.encode())
    path.write_bytes(content[: node + 2] + b"\xff\xfe" + content[node + 4 :])
    repair(package)
    with pytest.raises(PackageError, match=r"it said: .*\\xff\\xfe"):
        load(package)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("seg_id", 600, r"tokens\.seg_id: expected ids of its own, got 600, which time_first_id"),
        ("end_ids", [509, 508], r"tokens\.region_id: expected ids of its own, got 509"),
    ],
)
def test_ids_that_mean_two_things_are_refused(
    package: Path, key: str, value: Any, message: str
) -> None:
    edit_manifest(package, lambda m: m["tokens"].update({key: value}))
    with pytest.raises(PackageError, match=message):
        load(package)
    with pytest.raises(PackageError, match=message):
        UFVideo.load(package)


@pytest.mark.parametrize("change", ["swapped", "moved", "endless"])
def test_ids_of_other_tokens_are_refused(package: Path, change: str) -> None:
    def move(manifest: Any) -> None:
        tokens = manifest["tokens"]
        if change == "swapped":
            tokens["seg_id"], tokens["region_id"] = tokens["region_id"], tokens["seg_id"]
        elif change == "moved":
            tokens["time_first_id"] += 1
            tokens["num_time_tokens"] -= 1
        else:
            tokens["end_ids"] = [tokens["end_ids"][0] + 1]

    edit_manifest(package, move)
    with pytest.raises(PackageError, match=r"tokens\.(seg|region|time_first|end)_ids?"):
        UFVideo.load(package)


def test_a_pipe_in_a_package_is_refused(package: Path) -> None:
    (package / "aligner.onnx").unlink()
    os.mkfifo(package / "aligner.onnx")
    with pytest.raises(PackageError, match="plain file"):
        load(package)


def test_a_failed_run_names_the_input_whose_shape_matters(package: Path) -> None:
    """A language model has two caches a layer, all of one shape: they would fill the message."""

    def change(model: Any) -> None:
        helper = onnx.helper
        for node in model.graph.node:
            node.output[:] = ["any" if out == "hidden_states" else out for out in node.output]
            node.input[:] = ["any" if name == "hidden_states" else name for name in node.input]
        # [1, 7, 32] for the three positions below, which no shape inference can tell.
        kind = onnx.TensorProto.INT64
        more = helper.make_tensor("more", kind, [3], [-2, 4, 29])
        model.graph.initializer.append(more)
        model.graph.node.extend(
            [
                helper.make_node("Cast", ["total_sequence_length"], ["total"], to=kind),
                helper.make_node("Add", ["total", "more"], ["shape"]),
                helper.make_node("Reshape", ["any", "shape"], ["hidden_states"]),
            ]
        )

    edit(package, "language_model", change)
    language_model = load(package).language_model
    with pytest.raises(
        InferenceError, match=r"a run of inputs_embeds \[1, 3, 32\], seqlens_k \[1\], total_seq"
    ):
        language_model.run(np.zeros((3, 32), np.float32), language_model.make_cache())
