"""The system's files of a recorded machine, as a folder."""

from __future__ import annotations

from pathlib import Path

MACHINES = Path(__file__).parents[1] / "data" / "machines"


def recorded_machine(name: str, root: Path) -> Path:
    """Write the files of a machine below a folder, and return it."""
    for line in (MACHINES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        path, _, content = line.partition(" = ")
        target = root / path.removesuffix(" =")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content.replace("\\n", "\n").replace("\\t", "\t") + "\n")
    return root
