"""The GPU kit: pieces that are checked, steps that end at their limit, weights of templates."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ufvideo_sdk._native", reason="needs the native module: pip install .")

from benchmarks.gpu_kit.device import wait_for
from benchmarks.gpu_kit.fill import main, tensor_bytes
from benchmarks.gpu_kit.install import missing_wheels
from benchmarks.gpu_kit.measure import missing_modules, plan
from benchmarks.gpu_kit.pieces import write_digests, write_pieces
from benchmarks.gpu_kit.report import Report
from benchmarks.gpu_kit.steps import Step, run_steps
from benchmarks.gpu_kit.wheels import gpu_runtime_version

ROOT = Path(__file__).parents[2]
MEASURE = """
import pathlib, sys
print("measuring", *sys.argv[1:])
work = pathlib.Path(sys.argv[sys.argv.index("--work") + 1])
print(sorted(path.name for path in work.iterdir() if path.name != ".unpacked"))
"""


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """Pieces of a kit whose measurement says what it was given."""
    staging, out = tmp_path / "staging", tmp_path / "kit"
    package = staging / "source" / "benchmarks" / "gpu_kit"
    package.mkdir(parents=True)
    out.mkdir()
    (package / "measure.py").write_text(MEASURE, encoding="utf-8")
    (staging / "noise").write_bytes(np.random.default_rng(0).bytes(5000))
    paths = write_pieces(staging, out, "kit", 2048)
    (tmp_path / "spare").mkdir()
    paths += write_pieces(tmp_path / "spare", out, "spare", 2048)
    write_digests(out, paths)
    shutil.copy(ROOT / "benchmarks" / "gpu_kit" / "run.sh", out / "run")
    return out


def run_kit(kit: Path, work: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(kit / "run"), "--work", str(work), *options]
    environment = os.environ | {"PYTHON": sys.executable}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_pieces_are_bounded_joined_and_measured(kit: Path, tmp_path: Path) -> None:
    sizes = [path.stat().st_size for path in sorted(kit.glob("kit.*"))]
    assert len(sizes) > 2 and max(sizes) <= 2048
    result = run_kit(kit, tmp_path / "work", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert f"measuring --work {tmp_path / 'work'} --device cpu" in result.stdout
    noise = np.random.default_rng(0).bytes(5000)
    assert (tmp_path / "work" / "noise").read_bytes() == noise


def test_a_missing_piece_is_named(kit: Path, tmp_path: Path) -> None:
    (kit / "kit.001").unlink()
    result = run_kit(kit, tmp_path / "work")
    assert result.returncode == 3
    assert "kit.001" in result.stderr and "kit.000" not in result.stderr


def test_spare_pieces_may_be_missing(kit: Path, tmp_path: Path) -> None:
    (kit / "spare.000").unlink()
    assert run_kit(kit, tmp_path / "work").returncode == 0


def test_a_damaged_piece_is_refused(kit: Path, tmp_path: Path) -> None:
    whole = (kit / "kit.001").read_bytes()
    (kit / "kit.001").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    result = run_kit(kit, tmp_path / "work")
    assert result.returncode != 0
    assert "kit.001" in result.stdout + result.stderr
    assert "measuring" not in result.stdout


def test_new_pieces_are_unpacked_again(kit: Path, tmp_path: Path) -> None:
    assert run_kit(kit, tmp_path / "work").returncode == 0
    (tmp_path / "work" / "noise").unlink()
    assert run_kit(kit, tmp_path / "work").returncode == 0
    assert not (tmp_path / "work" / "noise").exists()
    (kit / "SHA256SUMS").write_text((kit / "SHA256SUMS").read_text() + "\n")
    (tmp_path / "work" / "filled").mkdir()
    assert run_kit(kit, tmp_path / "work").returncode == 0
    assert (tmp_path / "work" / "noise").exists()
    assert not (tmp_path / "work" / "filled").exists()


def test_spare_pieces_that_come_later_are_unpacked(kit: Path, tmp_path: Path) -> None:
    spare = (kit / "spare.000").read_bytes()
    (kit / "spare.000").unlink()
    assert run_kit(kit, tmp_path / "work").returncode == 0
    assert not (tmp_path / "work" / "spare").exists()
    (kit / "spare.000").write_bytes(spare)
    assert run_kit(kit, tmp_path / "work").returncode == 0
    assert (tmp_path / "work" / "spare").is_dir()


def test_the_work_folder_is_named_first(kit: Path, tmp_path: Path) -> None:
    result = run_kit(kit, tmp_path / "work", "--device", "cpu", "--work", str(tmp_path))
    assert result.returncode == 2 and "--work as the first option" in result.stderr


def test_what_could_not_be_written_is_told_to_who_waits(tmp_path: Path) -> None:
    package = tmp_path / "filled" / "half"
    assert main([str(tmp_path / "absent"), str(package)]) == 1
    with pytest.raises(RuntimeError, match=r"half was not written: .*absent"):
        wait_for(package)


def python(name: str, code: str, limit_s: float = 30.0, *, needed: bool = False) -> Step:
    return Step(name, [sys.executable, "-c", code], limit_s, needed)


def run(tmp_path: Path, *steps: Step, seconds: float = 60.0) -> tuple[int, str]:
    report = Report(tmp_path / "report.txt")
    try:
        status = run_steps(steps, report, seconds)
    finally:
        report.close()
    return status, (tmp_path / "report.txt").read_text(encoding="utf-8")


def test_what_a_step_prints_is_in_the_report(tmp_path: Path) -> None:
    status, text = run(tmp_path, python("one", "print('found 7')"), python("two", "print('8')"))
    assert status == 0
    assert text.index("found 7") < text.index("--- one: done") < text.index("--- two")
    assert "2 of 2 steps succeeded" in text


def test_a_step_that_fails_ends_nothing_but_itself(tmp_path: Path) -> None:
    status, text = run(tmp_path, python("one", "raise SystemExit(3)"), python("two", "print(8)"))
    assert status == 1
    assert "one: FAILED with exit status 3" in text and "two: done" in text
    assert "1 of 2 steps succeeded; not one" in text


def test_a_step_that_all_need_ends_the_run(tmp_path: Path) -> None:
    first = python("one", "raise SystemExit(1)", needed=True)
    status, text = run(tmp_path, first, python("two", "print(8)"))
    assert status == 1 and "--- two" not in text
    assert "0 of 2 steps succeeded; not one" in text


def test_a_step_and_its_children_end_at_the_limit(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = (
        "import subprocess, sys, time;"
        f"subprocess.Popen([sys.executable, '-c', 'import time, pathlib; time.sleep(3);"
        f' pathlib.Path("{child}").touch()\']);'
        "print('begun', flush=True); time.sleep(60)"
    )
    status, text = run(tmp_path, python("slow", code, 2.0), python("next", "print('went on')"))
    assert status == 1
    assert "begun" in text and "slow: STOPPED at its limit" in text and "went on" in text
    assert not child.exists()


def test_the_run_ends_at_its_own_limit(tmp_path: Path) -> None:
    slow = python("slow", "import time; time.sleep(60)", 50.0)
    status, text = run(tmp_path, slow, python("late", "print(1)"), seconds=2.5)
    assert status == 1
    assert "slow (at most 2 s)" in text and "late: left out, no time is left" in text


def spread(dtype: str, length: int, **numbers: float) -> dict[str, object]:
    known = {"mean": 0.0, "std": 1.0, "low": -4.0, "high": 4.0} | numbers
    return {"name": "w", "dtype": dtype, "offset": 0, "length": length, **known}


@pytest.mark.parametrize("module", ["fill", "install", "pieces"])
def test_what_runs_before_the_build_needs_no_native_module(module: str) -> None:
    code = (
        f"import sys; sys.modules['ufvideo_sdk._native'] = None; import benchmarks.gpu_kit.{module}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_filled_values_are_spread_as_told() -> None:
    told = spread("float16", 2 << 20, mean=0.5, std=0.25, low=-0.5, high=1.5)
    data = b"".join(tensor_bytes(told))
    values = np.frombuffer(data, np.float16).astype(np.float64)
    assert len(values) == 1 << 20
    assert abs(values.mean() - 0.5) < 0.01 and abs(values.std() - 0.25) < 0.01
    assert values.min() >= -0.5 and values.max() <= 1.5
    assert hashlib.sha256(data).digest() == hashlib.sha256(b"".join(tensor_bytes(told))).digest()


def test_filled_integers_use_every_value() -> None:
    data = b"".join(tensor_bytes(spread("uint8", 1 << 16, mean=127.0, low=0.0, high=255.0)))
    assert len(np.unique(np.frombuffer(data, np.uint8))) == 256
    middles = b"".join(tensor_bytes(spread("uint8", 9, mean=136.0, std=0.0, low=136.0, high=136.0)))
    assert middles == bytes([0x88] * 9)


def test_spare_wheels_are_taken_only_where_the_module_is_missing(tmp_path: Path) -> None:
    for name in (
        "numpy-2.0.0-cp312.whl",
        "opencv_python_headless-5.0-abi3.whl",
        "absent_one-1.whl",
    ):
        (tmp_path / name).touch()
    assert [path.name for path in missing_wheels(tmp_path)] == ["absent_one-1.whl"]


def test_modules_of_the_kit_are_here(tmp_path: Path) -> None:
    """So that what CI runs is all that the other machine needs."""
    if missing := missing_modules(tmp_path):
        pytest.skip(f"needs the export extra: {', '.join(missing)}")


def test_steps_come_in_order_of_what_they_tell_and_fit_the_time(tmp_path: Path) -> None:
    for name in ("small", "small_fp16"):
        (tmp_path / "packages" / name).mkdir(parents=True)
    steps = plan(tmp_path, "cuda")
    assert [step.name for step in steps] == sorted(
        (step.name for step in steps), key=lambda name: (name != "build", name[0])
    )
    assert all(0 < step.limit_s <= 150 for step in steps)
    assert gpu_runtime_version().count(".") == 2
