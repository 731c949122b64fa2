"""Packages whose manifest, graphs, tokenizer or template were changed and digests repaired."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
from pathlib import Path
from typing import Any

from tests.mutation import blind, json_fields, protobuf_fields
from tests.mutation.case import Entries, Entry, Special
from tests.mutation.kinds import use

MANIFEST, TOKENIZER, TEMPLATE = "manifest.json", "tokenizer.json", "chat_template.json"
_SPECIALS = (
    Special("missing"),
    Special("folder"),
    Special("fifo"),
    Special("link", "/dev/zero"),
    Special("link", "nowhere"),
    Special("link", MANIFEST),
    Special("sparse", num_bytes=20_000_000_000),
)


class Packages:
    """The tiny package, changed in one file or two."""

    name = "packages"
    share = 4
    links_shared = True

    def __init__(self) -> None:
        self._contents = {path.name: path.read_bytes() for path in sorted(use.TINY.iterdir())}
        self._graphs = [name for name in self._contents if name.endswith(".onnx")]

    def prepare(self, folder: Path) -> None:
        """Copy the package, whose files the cases link."""
        for name, content in self._contents.items():
            (folder / name).write_bytes(content)

    def set_up(self, folder: Path) -> None:
        """Nothing is shared by trials."""

    def entries(self, chance: random.Random) -> Entries:
        """A changed file, most often beside a manifest that has its size and digest."""
        kind = chance.choice(("manifest", "manifest", "graph", "graph", "graph", "texts", "disk"))
        entries: dict[str, Entry] = {}
        if kind == "manifest":
            text = json_fields.mutated(self._contents[MANIFEST].decode(), chance)
            content = text.encode("utf-8", "surrogatepass")
            entries[MANIFEST] = blind.mutated(content, chance) if chance.random() < 0.1 else content
            return entries
        if kind == "graph":
            name = chance.choice(self._graphs)
            by_fields = chance.random() < 0.85
            change = protobuf_fields.mutated if by_fields else blind.mutated
            entries[name] = change(self._contents[name], chance)
        elif kind == "texts":
            name = chance.choice((TOKENIZER, TOKENIZER, TEMPLATE))
            entries[name] = self._text(name, chance)
        else:
            name = chance.choice(sorted(self._contents))
            entries[name] = chance.choice(_SPECIALS)
        if chance.random() < 0.95:
            entries.setdefault(MANIFEST, self._repaired(entries))
        return entries

    def _text(self, name: str, chance: random.Random) -> bytes:
        content = self._contents[name]
        if chance.random() < 0.15:
            return blind.mutated(content, chance)
        return json_fields.mutated(content.decode(), chance).encode("utf-8", "surrogatepass")

    def _repaired(self, entries: Entries) -> bytes:
        """The manifest with sizes and digests of changed files made right."""
        manifest = json.loads(self._contents[MANIFEST])
        listed: list[dict[str, Any]] = [*manifest["files"]]
        listed += [stage["graph"] for stage in manifest["stages"].values()]
        for item in listed:
            content = entries.get(item["path"])
            if isinstance(content, bytes):
                item["size_bytes"] = len(content)
                item["sha256"] = hashlib.sha256(content).hexdigest()
            elif isinstance(content, Special) and content.what == "sparse":
                item["size_bytes"] = content.num_bytes
        return json.dumps(manifest, indent=2).encode()

    def trial(self, folder: Path) -> None:
        """Load the package and use all of it."""
        with use.errors_hold():
            model = use.load(folder)
            # A model that does not do what a session wants of it is refused there.
            with contextlib.closing(model.open(use.frames(), fps=use.FPS)) as session:
                use.everything(session)
