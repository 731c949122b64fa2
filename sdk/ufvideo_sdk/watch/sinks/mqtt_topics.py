"""Topics of a watch at an MQTT broker, and what is published there when a connection begins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ufvideo_sdk.watch.sinks.event_message import CameraNames

ON, OFF = "ON", "OFF"
ONLINE, OFFLINE = "online", "offline"
_DISCOVERY = "homeassistant"
_NO_ID = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Outgoing:
    """A message for the broker.

    Attributes:
        topic: Its topic.
        payload: Its text.
        retain: Whether the broker keeps it for those who come later.
    """

    topic: str
    payload: str
    retain: bool = False


@dataclass(frozen=True)
class Topics:
    """The topics below one.

    Attributes:
        root: What all begin with.
    """

    root: str

    @property
    def availability(self) -> str:
        """Says "online" while the watch is connected, else "offline"."""
        return f"{self.root}/availability"

    def event(self, camera: str, rule: str) -> str:
        """Both edges of a rule's events, as JSON; names as `plain_names` has them."""
        return f"{self.root}/{camera}/{rule}"

    def state(self, camera: str, rule: str) -> str:
        """Says ON while an event is under way, else OFF."""
        return f"{self.event(camera, rule)}/state"

    def notice(self, camera: str) -> str:
        """What else a person wants to know."""
        return f"{self.root}/{camera}/notice"

    def discovery(self, camera: CameraNames) -> Iterator[Outgoing]:
        """Return what tells Home Assistant of each rule of a camera."""
        node = _id(f"ufvideo_{self.root}_{camera.plain_name}")
        for name, rule in camera.rules.items():
            config = {
                "name": name,
                "unique_id": f"{node}_{_id(rule)}",
                "state_topic": self.state(camera.plain_name, rule),
                "payload_on": ON,
                "payload_off": OFF,
                "availability_topic": self.availability,
                "json_attributes_topic": self.event(camera.plain_name, rule),
                "device": {
                    "identifiers": [node],
                    "name": camera.name,
                    "manufacturer": "ufvideo-sdk",
                },
            }
            topic = f"{_DISCOVERY}/binary_sensor/{node}/{_id(rule)}/config"
            yield Outgoing(topic, json.dumps(config, ensure_ascii=False), retain=True)


def _id(name: str) -> str:
    """A name of the characters that Home Assistant takes; others by their numbers."""
    return _NO_ID.sub(lambda found: f"_{ord(found[0]):x}_", name.replace("/", "_"))
