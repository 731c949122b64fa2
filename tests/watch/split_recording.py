"""A recording whose one file of packets becomes several, as one that grows large has."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av

from ufvideo_sdk.watch.recording.capture_log import (
    CAPTURE_NAME,
    SectionLine,
    read_capture,
    text_of,
)
from ufvideo_sdk.watch.recording.matroska import MatroskaWriter
from ufvideo_sdk.watch.sources import SectionHeader, SourcePacket


def split_frames(folder: Path, num_packets: int) -> None:
    """Split the only file, whose packets are all key frames."""
    lines = list(read_capture(folder / CAPTURE_NAME))
    (section,) = [line for line in lines if isinstance(line, SectionLine)]
    with av.open(str(folder / section.file)) as container:
        extradata = bytes(container.streams.video[0].codec_context.extradata or b"")
        packets = [(bytes(p), p.pts) for p in container.demux(video=0) if p.size]
    (folder / section.file).unlink()
    header = SectionHeader(
        section.section,
        section.codec,
        extradata,
        section.width,
        section.height,
        Fraction(section.time_base_num, section.time_base_den),
    )
    files = []
    for number in range(0, len(packets), num_packets):
        line = replace(section, file=f"{len(files):04d}.mkv")
        writer = MatroskaWriter(folder / line.file, header)
        for data, pts in packets[number : number + num_packets]:
            writer.write(SourcePacket(0, data, pts, pts, True, pts / 1e6), 0)
        writer.close()
        files.append(line)
    rest = [line for line in lines if not isinstance(line, SectionLine)]
    (folder / CAPTURE_NAME).write_text("".join(map(text_of, [*files, *rest])), encoding="utf-8")
