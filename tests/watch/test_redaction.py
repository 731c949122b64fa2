"""Credentials are in no text, however an address holds them."""

from __future__ import annotations

import pytest

from ufvideo_sdk.watch.sources import redact, shown_source
from ufvideo_sdk.watch.sources.redaction import Redactor

_SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://zoe:s3cr3t@cam.lan:554/live", "rtsp://cam.lan:554/live"),
        ("rtsp://zoe:s3cr3t%40x@cam.lan/live", "rtsp://cam.lan/live"),
        # Neither character may stand there unescaped, and both do.
        ("rtsp://zoe:s3cr3t/a@b@cam.lan/live", "rtsp://cam.lan/live"),
        ("rtsp://s3cr3t@cam.lan/live", "rtsp://cam.lan/live"),
        ("http://cam.lan/video.mjpg?token=s3cr3t&size=2", "http://cam.lan/video.mjpg"),
        ("https://cam.lan/a.m3u8?s3cr3t", "https://cam.lan/a.m3u8"),
        ("rtsp://cam.lan/user=zoe_password=s3cr3t_channel=1.sdp", None),
        ("rtsp://cam.lan/user=zoe&password=s3cr3t&channel=1", None),
        ("rtsp:/zoe:s3cr3t@cam.lan/live", None),
    ],
)
def test_an_address_is_shown_without_its_credentials(address: str, shown: str | None) -> None:
    assert _SECRET not in shown_source(address) and "zoe" not in shown_source(address)
    if shown is not None:
        assert shown_source(address) == shown
    for text in (f"[rtsp @ 0x1] method OPTIONS failed: {address}: no", f"'{address}'", address):
        assert _SECRET not in redact(text)
        assert _SECRET not in Redactor(address)(text)
    assert _SECRET not in repr(Redactor(address))


def test_a_source_hides_its_own_credentials_wherever_they_stand() -> None:
    redactor = Redactor("rtsp://zoe:p%40ss-w0rd@cam.lan/live?token=abc123xyz")
    assert redactor("tried p%40ss-w0rd, p@ss-w0rd and abc123xyz") == "tried ***, *** and ***"
    assert redactor(ValueError("Authorization: Basic YW5u")) == "Authorization: ***"


def test_all_else_is_left_as_it_is() -> None:
    for text in (
        "clip.mp4",
        "/dev/video0",
        "a folder/clip, the key one.mp4",
        "10 % of 25 frames/s",
    ):
        assert redact(text) == text
        assert shown_source(text) == text
    assert shown_source("rtsp://cam.lan:8554/live") == "rtsp://cam.lan:8554/live"
    assert redact("see http://cam.lan/a.mp4 and rtsp://b/c") == (
        "see http://cam.lan/a.mp4 and rtsp://b/c"
    )
