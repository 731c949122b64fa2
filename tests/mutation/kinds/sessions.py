"""Session files whose facts or arrays were changed, lengths and checksum repaired."""

from __future__ import annotations

import hashlib
import json
import random
import struct
from pathlib import Path

from tests.mutation import blind, json_fields
from tests.mutation.case import Entries, Entry, Special
from tests.mutation.kinds import use

NAME = "a.session"
_HEAD = struct.Struct("<8sIIQ")
_DIGEST_BYTES = 32
_FACTS_AT = _HEAD.size + _DIGEST_BYTES
_ALIGNMENT_BYTES = 64
_MAX_ARRAY_BYTES = 8 << 20
_FLOATS = (
    float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e38, -1e38, 1e-45, 3e38, 65504.0, 1e300,
    -1e300, 5e-324, -1.0,
)  # fmt: skip
_SPECIALS = (
    Special("missing"),
    Special("folder"),
    Special("fifo"),
    Special("link", "/dev/zero"),
    Special("link", "nowhere"),
    Special("link", NAME),
    Special("sparse", num_bytes=20_000_000_000),
)


class Sessions:
    """A session of the tiny package."""

    name = "sessions"
    share = 1.5
    links_shared = False

    def __init__(self) -> None:
        self._content = b""

    def prepare(self, folder: Path) -> None:
        """Write the session that is mutated."""
        model = use.load(use.TINY)
        path = folder / "whole.session"
        model.open(use.frames(), fps=use.FPS).save(path)
        self._content = path.read_bytes()

    def set_up(self, folder: Path) -> None:
        """Load the model that all trials share."""
        self._model = use.load(use.TINY)

    def entries(self, chance: random.Random) -> Entries:
        """One file; its checksum is right, nearly always."""
        if chance.random() < 0.03:
            return {NAME: chance.choice(_SPECIALS)}
        if chance.random() < 0.02:
            num_bytes = chance.choice((1 << 20, 20_000_000_000))
            return {NAME: Special("sparse", num_bytes=num_bytes)}
        entry: Entry
        kind = chance.choice(("facts", "facts", "fitting", "fitting", "floats", "floats", "blind"))
        if kind == "blind":
            entry = blind.mutated(self._content, chance)
            if len(entry) >= _FACTS_AT and chance.random() < 0.8:
                entry = sealed(_HEAD.pack(*_HEAD.unpack_from(entry)[:3], len(entry)) + entry[24:])
            return {NAME: entry}
        facts, arrays = self._parts()
        if kind == "floats":
            return {NAME: assembled(facts, _other_floats(arrays, chance))}
        text = json_fields.mutated(facts.decode(), chance).encode("utf-8", "surrogatepass")
        if kind == "fitting":
            arrays = _fitted(text, arrays)
        return {NAME: assembled(text, arrays)}

    def _parts(self) -> tuple[bytes, bytes]:
        """Facts and arrays of the whole file."""
        num_bytes = _HEAD.unpack_from(self._content)[2]
        end = _FACTS_AT + num_bytes
        return self._content[_FACTS_AT:end], self._content[end + -end % _ALIGNMENT_BYTES :]

    def trial(self, folder: Path) -> None:
        """Load the session with and without pixels, and ask it."""
        with use.errors_hold():
            session = self._model.load_session(folder / NAME)
            use.everything(session, has_pixels=False)
            session.save(folder / "again.session")
        with use.errors_hold():
            use.everything(self._model.load_session(folder / NAME, video=use.frames(), fps=use.FPS))


def sealed(content: bytes) -> bytes:
    """The content with the checksum of what it is."""
    digest = hashlib.sha256(content[: _HEAD.size] + content[_FACTS_AT:]).digest()
    return content[: _HEAD.size] + digest + content[_FACTS_AT:]


def assembled(facts: bytes, arrays: bytes) -> bytes:
    """A session file of these parts, lengths and checksum right."""
    end = _FACTS_AT + len(facts)
    body = facts + bytes(-end % _ALIGNMENT_BYTES) + arrays
    head = _HEAD.pack(b"\x89UFVS\r\n\x1a", 2, len(facts), _FACTS_AT + len(body))
    return sealed(head + bytes(_DIGEST_BYTES) + body)


def _other_floats(arrays: bytes, chance: random.Random) -> bytes:
    """Some numbers changed: times are 64 bits wide and come first, all others 32."""
    changed = bytearray(arrays)
    for _ in range(chance.choice((1, 1, 2, 100))):
        wide = chance.random() < 0.4
        form, limit = ("<d", 8 * use.NUM_FRAMES) if wide else ("<f", len(changed))
        size = struct.calcsize(form)
        at = size * chance.randrange(limit // size)
        value = chance.choice(_FLOATS) if chance.random() < 0.7 else chance.uniform(-10, 10)
        if not wide and abs(value) > 3e38:
            value = 3e38
        struct.pack_into(form, changed, at, value)
    return bytes(changed)


def _fitted(facts: bytes, arrays: bytes) -> bytes:
    """The arrays repeated or cut to the sizes that the facts ask for, where those are small."""
    from ufvideo_sdk.package.manifest import read_manifest

    manifest = read_manifest(use.TINY)
    try:
        wanted = json.loads(facts)
        patches = manifest.video.patch_grid**2 * manifest.model.vision_hidden_size
        model = manifest.model
        num_positions = len(wanted["prefix_ids"]) - 1 + wanted["num_video_tokens"]
        cache = model.num_layers * model.num_key_value_heads * num_positions * model.head_dim
        sizes = [
            8 * wanted["num_source_frames"],
            4 * wanted["num_features"] * patches,
            4 * wanted["num_video_tokens"] * model.hidden_size,
            4 * cache,
            4 * cache,
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        return arrays
    if any(type(size) is not int or not 0 < size < _MAX_ARRAY_BYTES for size in sizes):
        return arrays
    times = struct.pack(f"<{sizes[0] // 8}d", *range(sizes[0] // 8))
    fitted = b""
    for content, size in zip((times, arrays, arrays, arrays, arrays), sizes, strict=True):
        fitted += (content * (size // len(content) + 1))[:size]
        fitted += bytes(-len(fitted) % _ALIGNMENT_BYTES)
    # Nothing stands behind the last array.
    return fitted[: len(fitted) - (-sizes[-1] % _ALIGNMENT_BYTES)]
