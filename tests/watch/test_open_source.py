"""What is no source is refused when it is opened, and no password is in the error."""

from __future__ import annotations

import pytest

from ufvideo_sdk.errors import InputError
from ufvideo_sdk.watch.sources import open_capture

_SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "address",
    [
        # Nobody would ever answer, and the watch would try again for ever.
        "rtsp://zoe:s3cr3t@",
        "rtsp://zoe:s3cr3t@cam.lan:99999/live",
        "rtsp://zoe:s3cr3t@cam.lan:0/live",
        "rtsp://zoe:s3cr3t@cam.lan:554:77/live",
        "rtsp://zoe:s3cr3t@[::1/live",
        "rtsp:/zoe:s3cr3t@cam.lan/live",
        "http:///video.mjpg?token=s3cr3t",
        # FFmpeg takes the host to end at the first of them.
        "rtsp://zoe:s3cr3t/a@cam.lan/live",
        "rtsp://zoe:s3cr3t#a@cam.lan/live",
        # Taken for a path by its beginning.
        "my door!=rtsp://zoe:s3cr3t@cam.lan/live",
        "rstp2+: rtsp://zoe:s3cr3t@cam.lan/live",
        "ftp://zoe:s3cr3t@cam.lan/live.mp4",
    ],
)
def test_an_address_that_names_no_camera_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(InputError, match="source: expected") as refused:
        open_capture(address)
    assert _SECRET not in str(refused.value)
