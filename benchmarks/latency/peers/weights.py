"""The same random weights for every engine, made once and kept in a folder.

Run as `python -m benchmarks.latency.peers.weights [PRECISION ...]` to make the checkpoint and our
packages of those precisions, and to measure nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.latency.peers.sizes import HALF_BILLION, QUICK, PeerSizes
from testing.ufvideo_testing.random_checkpoint import RandomSizes, make_random_checkpoint
from ufvideo_export import export_package
from ufvideo_export.checkpoint.config import SiglipSizes
from ufvideo_export.checkpoint.config_files import write_json
from ufvideo_export.checkpoint.tensor_files import INDEX_NAME
from ufvideo_export.checkpoint.tokenizer_files import ADDED_TOKENS, TOKENIZER_FILES

DEFAULT_FOLDER = Path("out/peers")
_SIZES_NAME = "sizes.json"


class Weights:
    """One folder: a checkpoint, and what is made of it where an engine asks for it."""

    def __init__(self, folder: Path, sizes: PeerSizes) -> None:
        """Use a folder, or make it.

        Raises:
            SystemExit: When it holds weights of other sizes.
        """
        self.folder = folder.absolute()
        self.sizes = sizes
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self.folder / _SIZES_NAME
        key = sizes.weights_key()
        if not written.exists():
            write_json(written, key)
        elif json.loads(written.read_text(encoding="utf-8")) != key:
            raise SystemExit(f"expected weights of {key} in {folder}, it holds others; remove it")

    def checkpoint(self) -> Path:
        """In the released format; float16 values, which every engine reads exactly."""
        return self._made(
            "checkpoint",
            lambda path: make_random_checkpoint(path, checkpoint_sizes(self.sizes), seed=0),
        )

    def qwen2(self) -> Path:
        """The language model alone, as transformers reads it: links to the checkpoint's files."""
        checkpoint = self.checkpoint()
        return self._made("qwen2", lambda path: _write_qwen2(checkpoint, path))

    def package(self, precision: str) -> Path:
        """Our package."""
        checkpoint = self.checkpoint()
        return self._made(
            f"package_{precision}",
            lambda path: export_package(
                checkpoint,
                path,
                vision_tower=checkpoint / "siglip",
                precision=precision,
                track=False,
            ),
        )

    def genai(self, precision: str) -> Path:
        """What onnxruntime-genai's builder makes, with logits of the last position only.

        Raises:
            RuntimeError: When the builder fails; its last words.
        """
        qwen2 = self.qwen2()
        return self._made(f"genai_{precision}", lambda path: _build_genai(qwen2, path, precision))

    def _made(self, name: str, make: Callable[[Path], object]) -> Path:
        """A folder that appears by a rename when everything is in it."""
        path = self.folder / name
        if not path.exists():
            print(f"making {path}", file=sys.stderr, flush=True)
            partial = path.with_name(f"{name}.partial-{os.getpid()}")
            make(partial)
            partial.rename(path)
        return path


def weights_of(folder: Path | None, *, is_quick: bool) -> Weights:
    """The weights of a folder; None: of the folder that all benchmarks share.

    Raises:
        SystemExit: When it holds weights of other sizes.
    """
    default = DEFAULT_FOLDER / "quick" if is_quick else DEFAULT_FOLDER
    return Weights(folder or default, QUICK if is_quick else HALF_BILLION)


def checkpoint_sizes(sizes: PeerSizes) -> RandomSizes:
    """The checkpoint: everything but the language model as small as it can be."""
    patch_px = 7
    return RandomSizes(
        hidden_size=sizes.hidden_size,
        intermediate_size=sizes.intermediate_size,
        num_layers=sizes.num_layers,
        num_attention_heads=sizes.num_attention_heads,
        num_key_value_heads=sizes.num_key_value_heads,
        vocab_size=sizes.vocab_size,
        max_position_embeddings=4096,
        num_frames=sizes.num_frames,
        num_aligner_blocks=1,
        siglip=SiglipSizes(
            hidden_size=32,
            intermediate_size=64,
            num_layers=3,
            num_attention_heads=2,
            image_size_px=patch_px * sizes.patches_per_side,
            patch_size_px=patch_px,
            layer_norm_eps=1e-6,
            hidden_act="gelu_pytorch_tanh",
        ),
        num_shards=4,
    )


def _write_qwen2(checkpoint: Path, path: Path) -> None:
    path.mkdir()
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    ours = ("num_frames", "sam_out_dim", "seg_token_id")
    kept = {key: config[key] for key in config if not key.startswith("mm_") and key not in ours}
    ids = {name: kept["vocab_size"] - len(ADDED_TOKENS) + k for k, name in enumerate(ADDED_TOKENS)}
    kept |= {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
    }
    write_json(path / "config.json", kept)
    names = (*TOKENIZER_FILES, INDEX_NAME, *(f.name for f in checkpoint.glob("*.safetensors")))
    for name in names:
        (path / name).symlink_to(checkpoint / name)


def _build_genai(qwen2: Path, path: Path, precision: str) -> None:
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
    command += ["-i", str(qwen2), "-o", str(path), "-p", precision, "-e", "cpu"]
    command += ["-c", str(path.with_name("cache"))]
    command += ["--extra_options", "prune_lm_head=true", "hf_token=false"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode or not (path / "genai_config.json").exists():
        words = built.stderr.strip().splitlines() or ["no word of why"]
        raise RuntimeError(f"onnxruntime-genai's builder failed: {words[-1]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what is asked for, and print where it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("precisions", nargs="*", metavar="PRECISION", help="of our packages")
    parser.add_argument("--quick", action="store_true", help="a tiny model")
    parser.add_argument("--work-dir", type=Path, help=f"keeps the models, {DEFAULT_FOLDER}")
    options = parser.parse_args(arguments)
    weights = weights_of(options.work_dir, is_quick=options.quick)
    print(weights.checkpoint())
    for precision in options.precisions:
        print(weights.package(precision))
    return 0


if __name__ == "__main__":
    sys.exit(main())
