"""A package on a GPU: does it agree with the CPU, and how fast is it beside PyTorch?

Run as `python -m benchmarks.latency.device agree PACKAGE... --provider cuda` and as
`python -m benchmarks.latency.device speed PACKAGE --checkpoint DIR --provider cuda`. A provider
that cannot start ends the run with its error: nothing falls back. The last line sums up, and the
exit status is 0 only where every floor that was measured holds. With `--provider cpu` the same runs
without a GPU, which shows that it runs, and no more.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.figure_table import print_figures
from benchmarks.floors import Figure, exit_status, summary
from benchmarks.latency.device_agreement import agreement_figures
from benchmarks.latency.device_speed import SpeedSetting, speed_report
from benchmarks.latency.workload import Workload
from ufvideo_sdk import UFVideoError
from ufvideo_sdk.package.shipped_package import shipped_package


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--provider", action="append", help="in order; may be given again; cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--num-new-tokens", type=int, default=64, help="of an answer, at most")
    tasks = parser.add_subparsers(dest="task", required=True)
    agree = tasks.add_parser("agree", help="the same answers as on the CPU")
    agree.add_argument("packages", type=Path, nargs="*", help="nano where none is given")
    speed = tasks.add_parser("speed", help="time, memory, and PyTorch on the same weights")
    speed.add_argument("package", type=Path)
    speed.add_argument("--checkpoint", type=Path, help="for PyTorch; left out without it")
    tower = "SigLIP's folder, for PyTorch, unless the checkpoint holds it"
    speed.add_argument("--vision-tower", type=Path, help=tower)
    speed.add_argument("--torch-device", default="cuda")
    speed.add_argument("--torch-dtype", default="float16", choices=("float16", "float32"))
    speed.add_argument("--num-mask-frames", type=int, default=8)
    speed.add_argument("--rounds", type=int, default=5)
    for each in (agree, speed):
        each.add_argument("--provider", action="append", dest="later", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    given.providers = tuple((given.provider or []) + (given.later or [])) or ("cuda",)
    if given.task == "speed" and given.vision_tower and not given.checkpoint:
        parser.error("expected --checkpoint beside --vision-tower")
    return given


def speed_setting(given: argparse.Namespace) -> SpeedSetting:
    """What `speed` was asked to do."""
    workload = Workload(
        given.checkpoint or given.package,  # Read by PyTorch alone.
        given.vision_tower,
        given.package,
        given.num_new_tokens,
        given.num_mask_frames,
        given.threads,
        given.providers,
        given.torch_device,
        given.torch_dtype,
    )
    return SpeedSetting(workload, given.rounds, with_torch=given.checkpoint is not None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; see the module."""
    given = parse(arguments)
    console = Console(width=150)
    figures: list[Figure] = []
    try:
        if given.task == "agree":
            for package in given.packages or [shipped_package()]:
                figures += agreement_figures(package, given.providers, given.num_new_tokens)
        else:
            figures += speed_report(console, speed_setting(given))
    except UFVideoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print_figures(console, figures)
    print(summary(figures, []))
    return exit_status(figures)


if __name__ == "__main__":
    sys.exit(main())
