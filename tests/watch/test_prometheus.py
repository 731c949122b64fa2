"""What Prometheus reads: a real scrape of the port, parsed by its own library."""

from __future__ import annotations

import http.client
import socket
import time
from pathlib import Path

import pytest

pytest.importorskip("ruamel.yaml", reason="needs the watch extra: pip install '.[watch]'")
pytest.importorskip("prometheus_client", reason="needs the watch extra: pip install '.[watch]'")

from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from tests.watch.drawn_status import STATUS
from tests.watch.rendered_camera import RenderedCamera, RenderedPictures
from ufvideo_sdk.errors import ConfigError
from ufvideo_sdk.watch import Rules
from ufvideo_sdk.watch.sinks.outputs import Outputs

RULES = """
sinks: {json_lines: events.jsonl, prometheus: 0}
rules:
  visitor: {yes_no: Is somebody there?, every_s: 2}
  other: {yes_no: Is it dark?, every_s: 2}
"""


def scraped(port: int) -> dict[tuple[str, ...], float]:
    """Figures by their name and the values of their labels."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_scrape_has_every_figure(tmp_path: Path) -> None:
    rules = Rules.parse(RULES)
    outputs = Outputs(rules, folder=tmp_path, status=lambda: STATUS)
    sink = outputs.open_camera(RenderedPictures(), rules)
    camera = RenderedCamera(rules, [sink])
    camera.run(8.0, [("visitor", 2.0 * i, "yes" if i in (1, 3) else "no") for i in range(5)])
    sink.close(5.0)
    assert outputs.prometheus_port is not None
    until = time.monotonic() + 5
    while outputs.stats[0].num_delivered < 4 and time.monotonic() < until:
        time.sleep(0.01)
    found = scraped(outputs.prometheus_port)
    assert found["ufvideo_events_total", "door", "visitor"] == 2
    assert found["ufvideo_events_total", "door", "other"] == 0
    assert found["ufvideo_sink_delivered_total", "json_lines"] == 4
    assert found["ufvideo_sink_dropped_total", "json_lines"] == 0
    front = STATUS.cameras[0]
    assert found["ufvideo_live", front.name] == 1 and found["ufvideo_live", "yard"] == 0
    assert found["ufvideo_frames_total", front.name] == front.num_frames
    assert found["ufvideo_dropped_total", front.name, "age"] == front.dropped_by["age"]
    assert found["ufvideo_clock_error_seconds", front.name] == front.clock_error_s
    assert ("ufvideo_clock_error_seconds", "yard") not in found
    ask = front.stages[-1]
    assert found["ufvideo_stage_seconds_count", front.name, ask.name] == ask.num_calls
    total_s = ask.num_calls * ask.mean_ms / 1000
    assert found["ufvideo_stage_seconds_sum", front.name, ask.name] == pytest.approx(total_s)
    assert found["ufvideo_machine_share",] == STATUS.machine_share
    # The registry is the watch's own: what the program around it counts is not there, nor ours
    # there.
    assert not any(name[0].startswith(("python_", "process_")) for name in found)
    assert REGISTRY.get_sample_value("ufvideo_machine_share") is None
    outputs.close(5.0)
    with pytest.raises(ConnectionRefusedError):
        scraped(outputs.prometheus_port)


def test_it_listens_on_this_machine_only_and_on_nothing_unasked(tmp_path: Path) -> None:
    outputs = Outputs(Rules.parse(RULES), folder=tmp_path)
    port = outputs.prometheus_port
    assert port is not None
    address = outputs._prometheus._server.server_address[0]  # type: ignore[union-attr]
    # Before the watch has begun there is something to read too.
    assert scraped(port)["ufvideo_sink_waiting", "json_lines"] == 0
    outputs.close(5.0)
    assert address == "127.0.0.1"
    other = Outputs(Rules.parse(RULES.replace(", prometheus: 0", "")), folder=tmp_path)
    assert other.prometheus_port is None
    other.close(0.0)


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        rules = Rules.parse(RULES.replace("prometheus: 0", f"prometheus: {{port: {port}}}"))
        with pytest.raises(ConfigError, match=rf"prometheus.port: expected .* got {port}: Address"):
            Outputs(rules, folder=tmp_path)
