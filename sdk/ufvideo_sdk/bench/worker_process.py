"""Start a worker, and collect the events that it writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import ufvideo_sdk
from ufvideo_sdk import InferenceError
from ufvideo_sdk.bench.child_process import ChildProcess
from ufvideo_sdk.bench.sampler import Sampler

Job = Mapping[str, Any]
Record = dict[str, Any]
RoundCallback = Callable[[], object]

_MODULE = "ufvideo_sdk.bench.worker"


def run_worker(job: Job, sampler: Sampler, on_round: RoundCallback | None = None) -> Record:
    """Run a job in a fresh process.

    Args:
        job: What the worker loads and how many rounds it runs, as `worker.work` reads it.
        sampler: Watches the memory of the process while it runs.
        on_round: Called after each round.

    Returns:
        Its measurements, as in the JSON's `processes` (docs/bench.md).

    Raises:
        UFVideoError: What the worker raised, of the same class.
        CapacityError: When the system ended the worker, as it does where memory runs out.
        InferenceError: When it ended early for any other reason.
    """
    started_s = time.monotonic()
    events = _Events()
    with ChildProcess(_MODULE, job) as process:
        sampler.watch_process(process.pid)
        try:
            device_before = sampler.device_bytes()
            for event in process.messages():
                events.add(event)
                if event["event"] == "round" and on_round is not None:
                    on_round()
            if events.ended is None or events.loaded is None:
                raise process.ended_early()
            record = events.record(started_s)
            peak = max(events.ended["peak_bytes"], sampler.seen.peak_tree_bytes)
            record["samples"]["peak_memory_bytes"] = [peak]
            device_peak = sampler.seen.peak_device_bytes
            if device_peak is not None and device_before is not None:
                peak_device = max(device_peak - device_before, 0)
                record["samples"]["peak_device_memory_bytes"] = [peak_device]
        finally:
            sampler.watch_process(None)
    return record


class _Events:
    """The events of a worker so far."""

    def __init__(self) -> None:
        self.loaded: Record | None = None
        self.ended: Record | None = None
        self.first: Record | None = None
        self.rounds: list[Record] = []

    def add(self, event: Record) -> None:
        """Add one event.

        Raises:
            UFVideoError: What the worker raised.
        """
        kind = event["event"]
        if kind == "failed":
            # All error classes are public; a class that is not one of them cannot be made here.
            raise getattr(ufvideo_sdk, event["error"], InferenceError)(event["message"])
        if kind == "loaded":
            self.loaded = event
        elif kind == "ended":
            self.ended = event
        elif event["is_first"]:
            self.first = event
        else:
            self.rounds.append(event)

    def record(self, started_s: float) -> Record:
        """The measurements of all events, as in the JSON's `processes`."""
        assert self.loaded is not None and self.ended is not None and self.first is not None
        samples = {
            "start_ms": [1e3 * (self.loaded["imported_s"] - started_s)],
            **self.loaded["samples"],
            "first_round_ms": self.first["samples"]["round_ms"],
        }
        for each in self.rounds:
            for name, values in each["samples"].items():
                samples.setdefault(name, []).extend(values)
        samples.update(self.ended["samples"])
        answers = [self.first["answers"], *(each["answers"] for each in self.rounds)]
        return {
            "begin_s": started_s,
            "reference_ms": self.ended["reference_ms"],
            "samples": samples,
            "first_round_samples": self.first["samples"],
            "rounds": [
                {
                    "begin_s": each["begin_s"],
                    "end_s": each["end_s"],
                    "round_ms": each["samples"]["round_ms"][0],
                }
                for each in self.rounds
            ],
            "answers": answers[0],
            "answers_vary": sorted(
                name
                for name in answers[0]
                if any(each[name] != answers[0][name] for each in answers)
            ),
            "stage_providers": self.loaded["stage_providers"],
            "manifest_sha256": self.loaded["manifest_sha256"],
            "model": self.loaded["model"],
        }
