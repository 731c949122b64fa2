"""A stage of training that is stopped goes on where it was left."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the export extra")
import torch
from torch import nn

from training.train.loop import Plan, train_stage
from training.train.plot import plot_logs

pytestmark = pytest.mark.torch


def test_a_stopped_stage_ends_where_an_unbroken_one_does(tmp_path: Path):
    def train(folder: Path, steps: tuple[int, ...]) -> torch.Tensor:
        folder.mkdir()
        torch.manual_seed(0)
        module = nn.Linear(4, 1)
        for stop in steps:
            plan = Plan("toy", num_steps=max(steps), learning_rate=0.1, num_warmup=2)
            _train_toy(plan, module if stop == steps[0] else nn.Linear(4, 1), folder, stop)
        return torch.load(folder / "toy.state", weights_only=True)["module"]["weight"]

    whole, broken = train(tmp_path / "whole", (8,)), train(tmp_path / "broken", (5, 8))
    assert torch.equal(whole, broken)
    assert [p.name for p in plot_logs(tmp_path / "broken")] == ["toy.png"]
    lines = (tmp_path / "broken" / "toy.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] == 8


class _StoppedError(Exception):
    pass


def _train_toy(plan: Plan, module: nn.Linear, folder: Path, stop: int) -> None:
    def losses(batch: torch.Tensor, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        return (module(batch) - batch.sum()).square().mean(), {}

    def stop_there() -> None:
        step = torch.load(folder / "toy.state", weights_only=True)["step"]
        if step == stop < plan.num_steps:
            raise _StoppedError

    with suppress(_StoppedError):
        train_stage(plan, module, _toy_batches, losses, folder, on_save=stop_there, save_every=1)


def _toy_batches(first: int):
    number = first
    while True:
        yield torch.arange(4.0) * 0.1 + number
        number += 1
