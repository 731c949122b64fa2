"""The result of a measurement: one JSON document, and its figures by name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ufvideo_sdk import InputError
from ufvideo_sdk.bench.figures import FIGURES, Figure, figure_of
from ufvideo_sdk.bench.summary import PERCENTILES, Summary, summarize

SCHEMA_NAME = "ufvideo-bench"
SCHEMA_VERSION = 1
SCHEMA_FILE = Path(__file__).parent / "schema-v1.json"
# A document of a long run; more is none of ours.
_MAX_BYTES = 1 << 30
_PLACES = {figure.name: place for place, figure in enumerate(FIGURES)}
_PARTS = (
    "created",
    "versions",
    "machine",
    "state",
    "energy",
    "package",
    "source",
    "settings",
    "results",
)


class BenchResult(Mapping[str, Summary]):
    """A measurement: figures of the first list of providers by name, and the whole document.

    Attributes:
        document: The JSON document, as docs/bench.md describes it.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        """Take a document whose `figures` may be missing; they are made of the samples."""
        self.document = document
        self._summaries = [_summaries(result["processes"]) for result in document["results"]]
        for result, summaries in zip(document["results"], self._summaries, strict=True):
            result["figures"] = [_figure_object(each) for each in summaries.values()]

    @property
    def providers(self) -> list[tuple[str, ...]]:
        """The lists of providers that were measured."""
        return [tuple(result["providers"]) for result in self.document["results"]]

    def summaries(self, number: int = 0) -> Mapping[str, Summary]:
        """Figures of one list of providers, by name."""
        return self._summaries[number]

    def __getitem__(self, name: str) -> Summary:
        return self._summaries[0][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._summaries[0])

    def __len__(self) -> int:
        return len(self._summaries[0])

    def __repr__(self) -> str:
        model = self.document["package"]["model"]
        return f"BenchResult({model}: {len(self)} figures, created {self.document['created']})"

    def to_json(self) -> str:
        """The document, with a newline at the end."""
        return json.dumps(self.document, indent=1, ensure_ascii=True) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the document to a file; an existing one is replaced, in one step.

        Raises:
            InputError: When the file cannot be written.
        """
        write_text(Path(path), self.to_json())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> BenchResult:
        """Read a document.

        Raises:
            InputError: When the file cannot be read, or is no document of a version this reads.
        """
        return cls(_checked(Path(path)))


def write_text(path: Path, text: str) -> None:
    """Write a file in one step.

    Raises:
        InputError: When it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InputError(f"{path}: expected a file that can be written: {error}") from None


def _checked(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        document = json.loads(content) if len(content) <= _MAX_BYTES else None
    except OSError as error:
        raise InputError(f"{path}: expected a file of `ufvideo bench --save`: {error}") from None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA_NAME:
        raise InputError(f"{path}: expected the JSON of `ufvideo bench --save`, got something else")
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{path}: expected schema_version {SCHEMA_VERSION}, got {version!r}: measure again, or"
            " compare with the ufvideo-sdk that wrote it"
        )
    problem = _problem(document)
    if problem is not None:
        raise InputError(f"{path}: {problem}")
    return document


def _problem(document: Mapping[str, Any]) -> str | None:
    """What is wrong with the parts that are read here; None if nothing is."""
    for part in _PARTS:
        kind = list if part == "results" else str if part == "created" else dict
        if not isinstance(document.get(part), kind):
            return f"{part}: expected a {kind.__name__}, got {document.get(part)!r:.80}"
    if not document["results"]:
        return "results: expected one or more, got none"
    for i, result in enumerate(document["results"]):
        where = f"results[{i}]"
        if not isinstance(result, dict):
            return f"{where}: expected an object"
        processes = result.get("processes")
        if not isinstance(processes, list) or not processes:
            return f"{where}.processes: expected one or more, got {processes!r:.80}"
        providers = result.get("providers")
        if not isinstance(providers, list) or not all(isinstance(p, str) for p in providers):
            return f"{where}.providers: expected names, got {providers!r:.80}"
        for j, process in enumerate(processes):
            found = _process_problem(process)
            if found is not None:
                return f"{where}.processes[{j}]{found}"
    return None


def _process_problem(process: Any) -> str | None:
    parts = {"samples": dict, "answers": dict, "reference_ms": list, "rounds": list}
    if not isinstance(process, dict):
        return ": expected an object"
    for part, kind in parts.items():
        if not isinstance(process.get(part), kind):
            return f".{part}: expected a {kind.__name__}, got {process.get(part)!r:.80}"
    for name, values in process["samples"].items():
        try:
            figure_of(name)
        except KeyError:
            return f".samples: expected figures of `ufvideo bench --list`, got {name!r:.80}"
        is_list = isinstance(values, list) and bool(values)
        if not is_list or not all(_is_number(value) for value in values):
            return f".samples.{name}: expected numbers, got {values!r:.80}"
    return None


def _is_number(value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) < float("inf")  # type: ignore[arg-type]


def _summaries(processes: Sequence[Mapping[str, Any]]) -> dict[str, Summary]:
    """Figures of all processes, in the order of `FIGURES`, those of energy last."""
    names = {name for each in processes for name in each["samples"]}
    return {
        name: summarize(
            name, [each["samples"][name] for each in processes if name in each["samples"]]
        )
        for name in sorted(names, key=_order)
    }


def _order(name: str) -> tuple[int, str]:
    return _PLACES.get(name, len(_PLACES)), name


def _figure_object(summary: Summary) -> dict[str, Any]:
    figure: Figure = summary.figure
    return {
        "name": figure.name,
        "unit": figure.unit,
        "higher_is_better": figure.higher_is_better,
        "n": summary.n,
        "num_processes": summary.num_processes,
        "mean": summary.mean,
        "min": summary.min,
        "max": summary.max,
        **{f"p{percent}": summary.percentiles[percent] for percent in PERCENTILES},
        "n_too_small": [
            f"p{percent}" for percent in PERCENTILES if summary.percentiles[percent] is None
        ],
    }
