"""Write sdk/ufvideo_sdk/_native.pyi from the built module, or check that it is up to date.

Run as `python bindings/write_stubs.py [--check]` with the module importable.
"""

from __future__ import annotations

import difflib
import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).parents[1] / "sdk" / "ufvideo_sdk" / "_native.pyi"


def generate() -> str:
    """The stub's text as pybind11-stubgen writes it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(sys.executable, "-m", "pybind11_stubgen", "ufvideo_sdk._native", "-o", folder),
                *("--exit-code", "--numpy-array-use-type-var"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        text = (Path(folder) / "ufvideo_sdk" / "_native.pyi").read_text(encoding="utf-8")
    return strictly_typed(text)


def strictly_typed(text: str) -> str:
    """Mend what pybind11-stubgen writes and strict type checkers refuse."""
    module = importlib.import_module("ufvideo_sdk._native")
    text = text.replace("os.PathLike |", "os.PathLike[str] |")
    text = text.replace("**kwargs)", "**kwargs: typing.Any)")
    text = text.replace("    @classmethod\n    def __new__(cls, value):\n        ...\n", "")

    def member(match: re.Match[str]) -> str:
        name, enum = match.groups()
        return f"    {name} = {getattr(module, enum)[name].value}"

    return re.sub(r"    (\w+): typing\.ClassVar\[(\w+)\]", member, text)


def main(arguments: list[str]) -> int:
    """Write the stub, or compare with the committed one and fail when they differ."""
    text = generate()
    if arguments != ["--check"]:
        STUB.write_text(text, encoding="utf-8")
        print(f"wrote {STUB.name}")
        return 0
    committed = STUB.read_text(encoding="utf-8") if STUB.exists() else ""
    difference = list(
        difflib.unified_diff(
            committed.splitlines(), text.splitlines(), "committed", "generated", lineterm=""
        )
    )
    if difference:
        print("\n".join(difference))
        print("the committed stub is not what the module says; run `make stubs`")
        return 1
    print("the stub is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
