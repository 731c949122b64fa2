"""A language model of half a billion parameters: prefill, decoding, and PyTorch on its weights.

Run as `python -m benchmarks.gpu_kit.half_model DEVICE PACKAGE`. Both sides prefill the same
embeddings and decode greedily behind them, in turn.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.clips import draw_frames
from benchmarks.device_probe import read_bandwidth
from benchmarks.gpu_kit.device import runtime, wait_for
from ufvideo_sdk import GenerationConfig, UFVideo
from ufvideo_sdk.diagnostics.memory_plan import kv_cache_bytes, stage_bytes

# On a CPU 0.0002 with fp16 and 0.026 with int4 weights, whose inputs are rounded there.
_MOST_ERROR = 0.1
_ROUNDS = 3
_NUM_POSITIONS, _NUM_TOKENS = 700, 64
_QUESTION = "What happens in the video?"


@dataclass(frozen=True)
class Times:
    """Of one round.

    Attributes:
        prefill_ms: Of the whole prompt and the first token.
        token_ms: Of each token after it.
        logits: Behind the prompt, float32 [V].
    """

    prefill_ms: float
    token_ms: float
    logits: NDArray[np.float32]


def ours(model: UFVideo, embeddings: NDArray[np.float32]) -> Times:
    """Prefill and decode through the stage's own class: every step's logits come to the host."""
    embedder, language_model = (
        model._loaded.native.token_embedder,
        model._loaded.native.language_model,
    )
    cache = language_model.make_cache()
    begin = time.perf_counter()
    logits = np.asarray(language_model.run(embeddings, cache).logits)
    prefilled = time.perf_counter()
    token = int(logits.argmax())
    for _ in range(_NUM_TOKENS):
        token = int(language_model.run(embedder.embed([token]), cache).logits.argmax())
    end = time.perf_counter()
    return Times(1e3 * (prefilled - begin), 1e3 * (end - prefilled) / _NUM_TOKENS, logits)


def theirs(model: torch.nn.Module, embeddings: NDArray[np.float32], device: str) -> Times:
    """The same with transformers, eager, attention by PyTorch's fused kernels."""
    from transformers import DynamicCache

    dtype = next(model.parameters()).dtype
    cache = DynamicCache()
    with torch.inference_mode():
        begin = time.perf_counter()
        prompt = torch.from_numpy(embeddings)[None].to(device, dtype)
        found = model(inputs_embeds=prompt, past_key_values=cache, logits_to_keep=1)
        logits = found.logits[0, -1].float().cpu().numpy()
        prefilled = time.perf_counter()
        token = torch.tensor([[int(logits.argmax())]], device=device)
        for _ in range(_NUM_TOKENS):
            found = model(token, past_key_values=cache, logits_to_keep=1)
            token = found.logits[:, -1].argmax(-1, keepdim=True)
            int(token)  # As a program that prints it: the host waits for each.
        end = time.perf_counter()
    return Times(1e3 * (prefilled - begin), 1e3 * (end - prefilled) / _NUM_TOKENS, logits)


def print_rounds(name: str, run: Callable[[], Times]) -> Times:
    """Print the medians after a round that does not count."""
    run()
    rounds = [run() for _ in range(_ROUNDS)]
    prefill = statistics.median(each.prefill_ms for each in rounds)
    token = statistics.median(each.token_ms for each in rounds)
    print(f"{name}: prefill {prefill:.2f} ms, {token:.3f} ms/token, {1e3 / token:.1f} tokens/s")
    return Times(prefill, token, rounds[-1].logits)


def print_answer(model: UFVideo) -> float | None:
    """Ask as a program does, the tokens' choice on the native side; milliseconds of a token."""
    config = GenerationConfig(max_new_tokens=_NUM_TOKENS)
    frames = draw_frames(model.manifest.video.num_frames)
    found = []
    for _ in range(_ROUNDS + 1):
        with model.open(frames, fps=4.0) as session:
            found.append(session.ask(_QUESTION, config=config).stats)
    stats = found[1:]
    first = statistics.median(each.time_to_first_token_ms for each in stats)
    speeds = [each.tokens_per_s for each in stats if each.tokens_per_s is not None]
    if not speeds:
        print("session.ask: the answer ended at once")
        return None
    positions = stats[0].num_prefill_tokens
    print(
        f"session.ask: first token {first:.2f} ms behind {positions} positions,"
        f" {statistics.median(speeds):.1f} tokens/s"
    )
    return 1e3 / statistics.median(speeds)


def main(arguments: Sequence[str]) -> int:
    """Measure both sides; see the module."""
    device, package = arguments[0], wait_for(Path(arguments[1]))
    begin = time.perf_counter()
    model = UFVideo.load(package, runtime=runtime(device))
    print(f"loaded in {time.perf_counter() - begin:.1f} s")
    manifest = model.manifest
    longest = manifest.model.max_position_embeddings - _NUM_TOKENS - 1
    num_positions = min(_NUM_POSITIONS, longest)
    random = np.random.default_rng(0)
    embeddings = random.standard_normal((num_positions, manifest.model.hidden_size), np.float32)
    our = print_rounds(f"ours, {num_positions} positions", lambda: ours(model, embeddings))
    token_ms = print_answer(model) or our.token_ms
    bandwidth = read_bandwidth(device) if device == "cuda" else read_bandwidth("cpu", 1 << 28)
    read = stage_bytes(manifest.stages["language_model"]) + kv_cache_bytes(manifest, num_positions)
    share = 1e3 * read / bandwidth / token_ms
    print(f"a token reads {read / 1e6:.0f} MB: {share:.3f} of {bandwidth / 1e9:.0f} GB/s")
    # Ours is told before anything of transformers can fail.
    from benchmarks.gpu_kit.torch_language_model import load_language_model

    dtype = torch.float16 if device == "cuda" else torch.float32
    qwen = load_language_model(package, device, dtype)
    name = f"PyTorch, {str(dtype).removeprefix('torch.')}, the same weights"
    their = print_rounds(name, lambda: theirs(qwen, embeddings, device))
    print(
        f"PyTorch / ours: prefill {their.prefill_ms / our.prefill_ms:.2f},"
        f" token {their.token_ms / our.token_ms:.2f},"
        f" token of session.ask {their.token_ms / token_ms:.2f}"
    )
    error = np.abs(our.logits - their.logits).max() / np.abs(their.logits).max()
    same = our.logits.argmax() == their.logits.argmax()
    print(f"logits behind the prompt: error {error:.4f} of the largest, same best token: {same}")
    if not error <= _MOST_ERROR:  # Not a number neither.
        print(f"WRONG: expected an error of at most {_MOST_ERROR}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
