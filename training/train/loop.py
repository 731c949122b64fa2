"""The training loop that all stages share: batches from a process of their own, logs, resuming."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import DataLoader, IterableDataset

from training.train.nano import save_whole

_LOG_EVERY = 50


@dataclass(frozen=True)
class Plan:
    """How long and how fast a stage learns.

    Attributes:
        name: Of the stage; its files are called so.
        num_steps: Optimizer steps.
        learning_rate: Highest, reached after `num_warmup` steps and left by a cosine.
        num_warmup: Steps.
        floor: Last learning rate, a part of the highest.
        clip: Highest norm of the gradients.
        low_precision: Whether products are taken in bfloat16.
    """

    name: str
    num_steps: int
    learning_rate: float
    num_warmup: int = 100
    floor: float = 0.02
    clip: float = 1.0
    weight_decay: float = 0.01
    low_precision: bool = False

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        if step < self.num_warmup:
            return self.learning_rate * (step + 1) / self.num_warmup
        part = (step - self.num_warmup) / max(self.num_steps - self.num_warmup, 1)
        cosine = 0.5 * (1 + math.cos(math.pi * min(part, 1.0)))
        return self.learning_rate * (self.floor + (1 - self.floor) * cosine)


class _Batches(IterableDataset[Any]):
    def __init__(self, make: Callable[[int], Iterator[Any]], first: int) -> None:
        super().__init__()
        self._make, self._first = make, first

    def __iter__(self) -> Iterator[Any]:
        torch.set_num_threads(1)
        return self._make(self._first)


def prefetched(make: Callable[[int], Iterator[Any]], first: int) -> Iterable[Any]:
    """Batches made in a process of their own, a few ahead.

    Args:
        make: Gives batches without end, from a number on.
        first: Number of the first batch.
    """
    return DataLoader(_Batches(make, first), batch_size=None, num_workers=1, prefetch_factor=6)


def train_stage(
    plan: Plan,
    module: nn.Module,
    make_batches: Callable[[int], Iterator[Any]],
    step_losses: Callable[[Any, int], tuple[torch.Tensor, Mapping[str, float]]],
    folder: Path,
    *,
    validate: Callable[[], Mapping[str, float]] | None = None,
    validate_every: int = 0,
    on_save: Callable[[], None] | None = None,
    save_every: int = 250,
) -> None:
    """Train until the plan is done; an interrupted run goes on where it last saved.

    Args:
        plan: How.
        module: Whose parameters learn.
        make_batches: Gives batches without end, from a step on.
        step_losses: Loss and figures to log, from a batch and its step.
        folder: Where state and log are kept.
        validate: Gives scores on clips never trained on.
        validate_every: Steps between validations; 0 for none.
        on_save: Called after each saving.
        save_every: Steps between savings.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=plan.learning_rate, betas=(0.9, 0.98), weight_decay=plan.weight_decay
    )
    state_path = folder / f"{plan.name}.state"
    step = 0
    if state_path.is_file():
        state = torch.load(state_path, map_location="cpu", weights_only=True)
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
        step = int(state["step"])
    log = _Log(folder / f"{plan.name}.jsonl", plan)

    def save() -> None:
        state = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        save_whole(state, state_path)
        if on_save is not None:
            on_save()

    if step >= plan.num_steps:
        return
    for batch in prefetched(make_batches, step):
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(step)
        with _precision(plan):
            loss, figures = step_losses(batch, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, plan.clip)
        if bool(torch.isfinite(norm)):
            optimizer.step()
        step += 1
        log.add(step, {"loss": float(loss.detach()), "norm": float(norm), **figures})
        if validate is not None and validate_every and step % validate_every == 0:
            log.write(step, {f"val_{key}": value for key, value in validate().items()})
        if step % save_every == 0 or step >= plan.num_steps:
            save()
        if step >= plan.num_steps:
            return


@contextmanager
def _precision(plan: Plan) -> Iterator[None]:
    # In bfloat16 attention by plain products learns faster on a CPU than the fused one.
    kernel = sdpa_kernel(SDPBackend.MATH) if plan.low_precision else nullcontext()
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.low_precision), kernel:
        yield


class _Log:
    """Means of the figures of some steps, one JSON line each, and printed."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._path, self._plan = path, plan
        self._sums: dict[str, list[float]] = defaultdict(list)
        self._since = time.monotonic()

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        for key, value in figures.items():
            if math.isfinite(value):
                self._sums[key].append(value)
        if step % _LOG_EVERY == 0 or step >= self._plan.num_steps:
            means = {key: sum(values) / len(values) for key, values in self._sums.items()}
            taken = time.monotonic() - self._since
            self._since = time.monotonic()
            self._sums.clear()
            self.write(step, {**means, "seconds": taken})

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **figures}) + "\n")
        told = " ".join(f"{key}={value:.3f}" for key, value in figures.items())
        print(f"{self._plan.name} {step}/{self._plan.num_steps} {told}", flush=True)
