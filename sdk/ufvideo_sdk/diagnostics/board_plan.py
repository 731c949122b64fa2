"""Whether a package fits the memory of a Jetson board, which CPU and GPU share."""

from __future__ import annotations

from dataclasses import dataclass

from ufvideo_sdk.diagnostics.memory_plan import memory_plan
from ufvideo_sdk.package.graph_signatures import cache_dtype
from ufvideo_sdk.package.manifest import Manifest

BOARDS_GB = (8, 16, 32, 64)
# Of the memory a board is sold with, firmware keeps some for itself: an Orin Nano of 8 GB shows
# 7.4 GiB, an Orin NX of 16 GB 14.2 to 15.3.
_SHOWN_SHARE = 0.92
# What Linux and its services hold without a desktop: 1.6 GiB of an Orin Nano's.
_SYSTEM_BYTES = int(1.6 * (1 << 30))


@dataclass(frozen=True)
class BoardPlan:
    """A question about a clip (`MemoryPlan`) on one board.

    Attributes:
        board_gb: Memory the board is sold with.
        device: Where the stages run.
        available_bytes: What is left of it for a process, beside the system without a desktop.
        peak_bytes: What the question needs.
    """

    board_gb: int
    device: str
    available_bytes: int
    peak_bytes: int

    @property
    def left_bytes(self) -> int:
        """What the question leaves; negative: what is missing."""
        return self.available_bytes - self.peak_bytes


def board_plans(manifest: Manifest) -> list[BoardPlan]:
    """A plan for every device that runs the package and every board, the smallest board first."""
    # CUDA's attention takes no float32 (docs/package_format.md, Precisions).
    is_half = cache_dtype(manifest.stages["language_model"]) == "float16"
    devices = ("cpu", "cuda") if is_half else ("cpu",)
    peaks = {device: memory_plan(manifest, device=device).peak_bytes for device in devices}
    return [
        BoardPlan(board_gb, device, available_bytes(board_gb), peak)
        for device, peak in peaks.items()
        for board_gb in BOARDS_GB
    ]


def available_bytes(board_gb: int) -> int:
    """What a board leaves to a process beside the system without a desktop."""
    return int(board_gb * (1 << 30) * _SHOWN_SHARE) - _SYSTEM_BYTES
