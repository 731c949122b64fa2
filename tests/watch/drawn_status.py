"""A watch of two cameras at one moment."""

from __future__ import annotations

from ufvideo_sdk.watch.engine.facts import Event, FoundObject
from ufvideo_sdk.watch.status import (
    CameraStatus,
    LastAnswer,
    LastNotice,
    LiveTracked,
    StageLatency,
    WatchStatus,
)

START = Event(
    "start", 7, "visitor", 72.0, 66.0, None, 61.0, None, "2 of 3 answers hold", (640, 660), ()
)
END = Event("end", 6, "enters", 40.3, 40.3, 40.3, 38.3, 42.3, "a crossing", (403,), (4,))
FRONT = CameraStatus(
    name="front door",
    source="rtsp://127.0.0.1:8554/front",
    state="live",
    time_s=75.4,
    wall_s=1_800_000_075.4,
    num_frames=754,
    frame_rate=24.9,
    looked_at_rate=2.0,
    clock="camera",
    clock_error_s=0.041,
    num_connections=2,
    dropped_by={"grid": 1732, "age": 11, "question: budget": 3},
    num_asked=38,
    num_failed=1,
    stages=(
        StageLatency("vision_encoder", 754, 41.0, 43.5),
        StageLatency("language_model", 38, 812.0, 790.2),
        StageLatency("ask", 38, 1204.0, 1131.0),
    ),
    answers=(
        LastAnswer("visitor", 75.0, "yes"),
        LastAnswer("display", 70.0, "[bold]no markup[/bold] \x1b[31m and no escapes " + "x" * 300),
    ),
    tracks=(LiveTracked("the man", 75.4, (FoundObject(4, 0.31, 0.5, 0.42, 0.88),)),),
    under_way=(START,),
    events=(END, START),
    notices=(LastNotice("resumed", 31.0, "the camera is back after 4.2 s"),),
    recording="recording/front door",
    recorded_bytes=48_300_000,
)
YARD = CameraStatus(name="yard", source="/dev/video0", state="opening")
STATUS = WatchStatus(
    running_s=80.2,
    machine_share=0.47,
    budget=0.5,
    giving_way=("tracks every second frame",),
    memory_bytes=123_000_000,
    cameras=(FRONT, YARD),
)
