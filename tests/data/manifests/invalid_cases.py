"""Everything that a manifest reader must refuse, and what its message must name."""

from __future__ import annotations

import json

from small_manifest import Json, changed, edited, file_entry, small, tensor, without


def invalid_manifests() -> dict[str, tuple[Json, str]]:
    """Name -> (manifest, text its error must contain)."""
    aligner = "stages__aligner__"
    deep_path = "stages.aligner.graph."
    graph_path = deep_path + "path"
    cases: dict[str, tuple[Json, str]] = {
        # Missing keys.
        "missing_model": (without("model"), "model"),
        "missing_hidden_size": (without("model", "hidden_size"), "model.hidden_size"),
        "missing_patch_grid": (without("video", "patch_grid"), "video.patch_grid"),
        "missing_seg_id": (without("tokens", "seg_id"), "tokens.seg_id"),
        "missing_stage": (without("stages", "aligner"), "stages.aligner"),
        "missing_weights": (without("stages", "aligner", "weights"), "stages.aligner.weights"),
        "missing_sha256": (
            without("stages", "vision_encoder", "graph", "sha256"),
            "stages.vision_encoder.graph.sha256",
        ),
        "missing_format_version": (without("format_version"), "format_version"),
        "missing_provenance": (without("provenance"), "provenance"),
        "missing_verification_stage": (
            without("verification", "mask_decoder"),
            "verification.mask_decoder",
        ),
        "missing_max_rel_error": (
            without("verification", "mask_decoder", "max_rel_error"),
            "verification.mask_decoder.max_rel_error",
        ),
        "missing_tensor_dtype": (
            edited(lambda m: m["stages"]["aligner"]["inputs"][0].pop("dtype")),
            "stages.aligner.inputs[0].dtype",
        ),
        "missing_file_size": (
            edited(lambda m: m["files"][1].pop("size_bytes")),
            "files[1].size_bytes",
        ),
        # Unknown keys, one at each level.
        "unknown_top": (changed(comment="x"), "comment"),
        "unknown_model": (changed(model__hiden_size=64), "model.hiden_size"),
        "unknown_video": (changed(video__fps=30), "video.fps"),
        "unknown_tokens": (changed(tokens__pad_id=1), "tokens.pad_id"),
        "unknown_stage": (
            edited(lambda m: m["stages"].update(tracker=m["stages"]["aligner"])),
            "stages.tracker",
        ),
        "unknown_stage_key": (changed(**{aligner + "opset": 22}), "stages.aligner.opset"),
        "unknown_graph_key": (changed(**{aligner + "graph__md5": "x"}), deep_path + "md5"),
        "unknown_tensor_key": (
            changed(**{aligner + "outputs__0__layout": "NHWC"}),
            "stages.aligner.outputs[0].layout",
        ),
        "unknown_file_key": (changed(files__0__url="x"), "files[0].url"),
        "unknown_verification_stage": (
            edited(lambda m: m["verification"].update(tracker={})),
            "verification.tracker",
        ),
        "unknown_verification_key": (
            changed(verification__aligner__cosine=1.0),
            "verification.aligner.cosine",
        ),
        # Wrong types.
        "type_top": ([], "object"),  # type: ignore[dict-item]
        "type_model": (changed(model=[]), "model"),
        "type_stages": (changed(stages=[]), "stages"),
        "type_name": (changed(model__name=3), "model.name"),
        "type_hidden_size_string": (changed(model__hidden_size="64"), "model.hidden_size"),
        "type_hidden_size_float": (changed(model__hidden_size=64.0), "model.hidden_size"),
        "type_hidden_size_bool": (changed(model__num_layers=True), "model.num_layers"),
        "type_num_frames_null": (changed(video__num_frames=None), "video.num_frames"),
        "type_end_ids": (changed(tokens__end_ids=521), "tokens.end_ids"),
        "type_end_id": (changed(tokens__end_ids=[521, "x"]), "tokens.end_ids[1]"),
        "type_graph": (changed(**{aligner + "graph": "aligner.onnx"}), "stages.aligner.graph"),
        "type_weights": (changed(**{aligner + "weights": False}), "stages.aligner.weights"),
        "type_inputs": (changed(**{aligner + "inputs": {}}), "stages.aligner.inputs"),
        "type_shape": (
            changed(**{aligner + "inputs__0__shape": 3}),
            "stages.aligner.inputs[0].shape",
        ),
        "type_dimension": (
            changed(**{aligner + "inputs__0__shape": ["T", 1.5]}),
            "stages.aligner.inputs[0].shape[1]",
        ),
        "type_files": (changed(files={}), "files"),
        "type_file": (changed(files=["tokenizer.json"]), "files[0]"),
        "type_provenance": (changed(provenance=[]), "provenance"),
        "type_provenance_value": (changed(provenance__torch=2.13), "provenance.torch"),
        "type_tolerance": (
            changed(verification__aligner__tolerance_abs="1e-3"),
            "verification.aligner.tolerance_abs",
        ),
        "type_format_version": (changed(format_version="1"), "format_version"),
        # Values that are no member of their set.
        "value_seg_hidden_state": (
            changed(model__seg_hidden_state="last"),
            "model.seg_hidden_state",
        ),
        "value_precision": (changed(**{aligner + "precision": "int3"}), "stages.aligner.precision"),
        "value_dtype": (
            changed(**{aligner + "inputs__0__dtype": "float64"}),
            "stages.aligner.inputs[0].dtype",
        ),
        "value_sha256_short": (changed(**{aligner + "graph__sha256": "ab"}), deep_path + "sha256"),
        "value_sha256_upper": (
            changed(**{aligner + "graph__sha256": "ABCDEF0123456789" * 4}),
            deep_path + "sha256",
        ),
        "value_sha256_letter": (changed(files__0__sha256="g" * 64), "files[0].sha256"),
        # Paths.
        "path_parent": (changed(**{aligner + "graph__path": "../aligner.onnx"}), graph_path),
        "path_parent_inside": (changed(files__0__path="a/../../tokenizer.json"), "files[0].path"),
        "path_absolute": (changed(**{aligner + "graph__path": "/etc/passwd"}), graph_path),
        "path_backslash": (changed(files__0__path="a\\tokenizer.json"), "files[0].path"),
        "path_dot": (changed(files__0__path="./tokenizer.json"), "files[0].path"),
        "path_empty": (changed(files__0__path=""), "files[0].path"),
        "path_empty_part": (changed(files__0__path="a//tokenizer.json"), "files[0].path"),
        "path_trailing_slash": (changed(files__0__path="tokenizer.json/"), "files[0].path"),
        "path_nul": (changed(files__0__path="tokenizer.json\0.txt"), "files[0].path"),
        "path_long": (changed(files__0__path="a" * 257), "files[0].path"),
        # Counts: above and below their bounds.
        "count_num_layers": (changed(model__num_layers=1025), "model.num_layers"),
        "count_hidden_size": (changed(model__hidden_size=65537), "model.hidden_size"),
        "count_hidden_size_huge": (changed(model__hidden_size=10**30), "model.hidden_size"),
        "count_hidden_size_zero": (changed(model__hidden_size=0), "model.hidden_size"),
        "count_vision_hidden_size": (
            changed(model__vision_hidden_size=65537),
            "model.vision_hidden_size",
        ),
        "count_vocab_size": (changed(model__vocab_size=4194305), "model.vocab_size"),
        "count_num_attention_heads": (
            changed(model__num_attention_heads=1026),
            "model.num_attention_heads",
        ),
        "count_num_key_value_heads": (
            changed(model__num_key_value_heads=-1),
            "model.num_key_value_heads",
        ),
        "count_heads_no_multiple": (
            changed(model__num_key_value_heads=3),
            "model.num_attention_heads",
        ),
        "count_head_dim": (changed(model__head_dim=1025), "model.head_dim"),
        "count_max_position_embeddings": (
            changed(model__max_position_embeddings=16777217),
            "model.max_position_embeddings",
        ),
        "count_max_region_tokens": (
            changed(model__max_region_tokens=65),
            "model.max_region_tokens",
        ),
        "count_name_empty": (changed(model__name=""), "model.name"),
        "count_name_long": (changed(model__name="n" * 257), "model.name"),
        "count_num_frames": (changed(video__num_frames=4097), "video.num_frames"),
        "count_vision_size_px": (changed(video__vision_size_px=8193), "video.vision_size_px"),
        "count_patch_grid": (changed(video__patch_grid=1025), "video.patch_grid"),
        "count_aligner_padding": (changed(video__aligner_padding=2), "video.aligner_padding"),
        "count_mask_size_px": (changed(video__mask_size_px=8193), "video.mask_size_px"),
        "count_mask_logits_size_px": (
            changed(video__mask_logits_size_px=0),
            "video.mask_logits_size_px",
        ),
        "count_end_ids_none": (changed(tokens__end_ids=[]), "tokens.end_ids"),
        "count_end_ids": (changed(tokens__end_ids=list(range(17))), "tokens.end_ids"),
        "count_end_id_outside": (changed(tokens__end_ids=[521, 626]), "tokens.end_ids[1]"),
        "count_end_id_negative": (changed(tokens__end_ids=[-1]), "tokens.end_ids[0]"),
        "count_seg_id": (changed(tokens__seg_id=626), "tokens.seg_id"),
        "count_region_id": (changed(tokens__region_id=-5), "tokens.region_id"),
        "count_time_tokens_outside": (changed(tokens__time_first_id=527), "tokens.time_first_id"),
        "twice_end_id": (changed(tokens__end_ids=[521, 521]), "tokens.end_ids[1]"),
        "twice_region_id": (changed(tokens__region_id=521), "tokens.region_id"),
        "twice_time_first_id": (changed(tokens__time_first_id=524), "tokens.time_first_id"),
        "twice_time_and_end": (changed(tokens__end_ids=[521, 600]), "tokens.time_first_id"),
        "twice_seg_id": (changed(tokens__seg_id=624), "tokens.seg_id"),
        "count_num_time_tokens": (changed(tokens__num_time_tokens=1), "tokens.num_time_tokens"),
        "count_placeholder_positive": (
            changed(tokens__video_placeholder_id=5),
            "tokens.video_placeholder_id",
        ),
        "count_placeholders_equal": (
            changed(tokens__image_placeholder_id=-201),
            "tokens.image_placeholder_id",
        ),
        "count_size_bytes_zero": (
            changed(**{aligner + "graph__size_bytes": 0}),
            deep_path + "size_bytes",
        ),
        "count_size_bytes_huge": (
            changed(**{aligner + "graph__size_bytes": 2**63}),
            deep_path + "size_bytes",
        ),
        "count_graph_bytes": (
            changed(**{aligner + "graph__size_bytes": (256 << 20) + 1}),
            deep_path + "size_bytes",
        ),
        "count_file_bytes": (
            changed(files__1__size_bytes=(64 << 20) + 1),
            "files[1].size_bytes",
        ),
        "count_inputs_none": (changed(**{aligner + "inputs": []}), "stages.aligner.inputs"),
        "count_outputs": (
            changed(**{aligner + "outputs": [tensor(f"t{n}", ["N"]) for n in range(69)]}),
            "stages.aligner.outputs",
        ),
        "count_dimensions": (
            changed(**{aligner + "inputs__0__shape": ["T"] * 9}),
            "stages.aligner.inputs[0].shape",
        ),
        "count_dimension_zero": (
            changed(**{aligner + "inputs__0__shape": ["T", 0]}),
            "stages.aligner.inputs[0].shape[1]",
        ),
        "count_symbol_empty": (
            changed(**{aligner + "inputs__0__shape": [""]}),
            "stages.aligner.inputs[0].shape[0]",
        ),
        "count_tensor_name": (
            changed(**{aligner + "inputs__0__name": "n" * 257}),
            "stages.aligner.inputs[0].name",
        ),
        "count_files": (
            changed(files=[file_entry(f"file_{number}") for number in range(65)]),
            "files",
        ),
        "count_provenance": (
            changed(provenance={f"key_{number}": "" for number in range(65)}),
            "provenance",
        ),
        "count_provenance_key": (changed(provenance={"é" * 257: ""}), "provenance"),
        "count_provenance_key_empty": (changed(provenance={"": ""}), "provenance"),
        "count_tolerance_negative": (
            changed(verification__aligner__tolerance_abs=-1e-3),
            "verification.aligner.tolerance_abs",
        ),
        "count_error_negative": (
            changed(verification__aligner__max_rel_error=-1),
            "verification.aligner.max_rel_error",
        ),
    }
    return cases


def broken_texts() -> dict[str, tuple[str | bytes, str]]:
    """Name -> (contents that json.dumps would not write, text the error must contain)."""
    text = json.dumps(small())
    return {
        "json_empty": ("", "cut off: it ends in line 1 behind byte 0"),
        "json_truncated": (
            text[: len(text) // 2],
            f"cut off: it ends in line 1 behind byte {len(text) // 2}",
        ),
        "json_trailing": (text + "{}", "JSON"),
        "json_trailing_nul": (
            text + "\0",
            f"a NUL byte as byte {len(text) + 1} of {len(text) + 1}",
        ),
        "json_trailing_behind_nul": (text + "\0{}", "a NUL byte"),
        "json_comment": ("/* x */" + text, "JSON"),
        "json_nan": (text.replace('"tolerance_abs": 0.001', '"tolerance_abs": NaN', 1), "JSON"),
        "json_infinity": (
            text.replace('"max_abs_error": 4e-06', '"max_abs_error": Infinity', 1),
            "JSON",
        ),
        # More than any float holds.
        "json_400_digits": (
            text.replace('"tolerance_abs": 0.001', '"tolerance_abs": ' + "9" * 400, 1),
            "number",
        ),
        "json_400_digits_size": (
            text.replace('"hidden_size": 64', '"hidden_size": ' + "9" * 400, 1),
            "number",
        ),
        "json_5000_digits_item": (
            text.replace('"end_ids": [521]', '"end_ids": [521, ' + "9" * 5000 + "]", 1),
            "tokens.end_ids[1]: expected JSON",
        ),
        "json_overflow": (
            text.replace('"tolerance_abs": 0.001', '"tolerance_abs": 1e999', 1),
            "verification.vision_encoder.tolerance_abs: expected JSON",
        ),
        "json_surrogate": (
            text.replace('"name": "small"', '"name": "\\ud800"', 1),
            "model.name: expected JSON",
        ),
        "json_byte_order_mark": ("\ufeff" + text, "byte order mark"),
        # A terminal takes the first characters of these keys for a command.
        "json_key_escape": (
            text.replace('"hidden_size": 64', '"\\u001b[2J": 64', 1),
            r"model.\u001b[2J: unknown key",
        ),
        "json_key_control": (
            text.replace('"hidden_size": 64', '"\u009b2J": 64', 1),
            r"model.\u009b2J: unknown key",
        ),
        "json_not_utf8": (text.encode().replace(b'"small"', b'"sm\xffll"', 1), "JSON"),
        "json_deep": ("[" * 20_000 + "]" * 20_000, "JSON"),
        "duplicate_top": ('{"format_version": 1, ' + text[1:], "format_version"),
        "duplicate_model": (
            text.replace('"hidden_size": 64', '"hidden_size": 64, "hidden_size": 65', 1),
            "hidden_size",
        ),
        "duplicate_stage": (
            text.replace('"stages": {', '"stages": {"aligner": null, ', 1),
            "aligner",
        ),
    }


def unsupported() -> dict[str, Json]:
    return {
        "version_future": changed(format_version=3, cameras={}),
        "version_zero": changed(format_version=0),
        "version_negative": changed(format_version=-1),
    }
