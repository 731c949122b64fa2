"""Mutations of ONNX graphs by the fields of their messages, without the onnx package.

A file is read as protobuf's wire format; which fields hold messages is known from onnx.proto.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.mutation import blind

# Field numbers of messages in messages, as in onnx.proto.
_MESSAGES: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 8: "Opset", 14: "Entry", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 11: "Value", 12: "Value", 13: "Value", 15: "Sparse"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph"},
    "Tensor": {13: "Entry"},
    "Value": {2: "Type"},
    "Type": {1: "TensorType"},
    "TensorType": {2: "Shape"},
    "Shape": {1: "Dimension"},
}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_OPERATORS = (
    b"Loop", b"If", b"Scan", b"Expand", b"Tile", b"Range", b"NonZero", b"Resize",
    b"ConstantOfShape", b"Identity", b"Reshape", b"Gather", b"Concat", b"Slice", b"MatMul",
    b"Cast", b"Pad", b"Einsum", b"SequenceConstruct", b"TfIdfVectorizer",
    b"StringNormalizer", b"Nonsense", b"\xff\xfe",
)  # fmt: skip
_LOCATIONS = (
    b"/etc/passwd",
    b"../manifest.json",
    b"language_model.onnx",
    b"",
    b"\xff",
    b"/dev/zero",
)
_TYPE_FIELD = {"Tensor": 2, "TensorType": 1}
_NUM_TYPES = 26
# Constants of 64-bit integers up to this size say shapes, axes and limits.
_MAX_SHAPE_BYTES = 256


@dataclass
class ProtoField:
    """A field of a message: a number, bytes, or a message."""

    number: int
    wire_type: int
    value: int | bytes | Message


@dataclass
class Message:
    """Fields in their order."""

    name: str
    fields: list[ProtoField] = field(default_factory=list)

    @classmethod
    def parse(cls, content: bytes, name: str = "Model") -> Message:
        """Read a message and those in it."""
        message = cls(name)
        at = 0
        while at < len(content):
            tag, at = _read_varint(content, at)
            number, wire_type = tag >> 3, tag & 7
            value: int | bytes | Message
            if wire_type == _VARINT:
                value, at = _read_varint(content, at)
            elif wire_type == _BYTES:
                size, at = _read_varint(content, at)
                value = content[at : at + size]
                at += size
                inner = _MESSAGES.get(name, {}).get(number)
                if inner is not None:
                    value = cls.parse(value, inner)
            else:
                size = {_FIXED64: 8, _FIXED32: 4}[wire_type]
                value = content[at : at + size]
                at += size
            message.fields.append(ProtoField(number, wire_type, value))
        return message

    def serialized(self) -> bytes:
        """The bytes of the message."""
        parts = []
        for item in self.fields:
            parts.append(_varint(item.number << 3 | item.wire_type))
            if isinstance(item.value, int):
                parts.append(_varint(item.value))
                continue
            raw = item.value if isinstance(item.value, bytes) else item.value.serialized()
            parts += [_varint(len(raw)), raw] if item.wire_type == _BYTES else [raw]
        return b"".join(parts)

    def messages(self) -> Iterator[Message]:
        """This message and all in it."""
        yield self
        for item in self.fields:
            if isinstance(item.value, Message):
                yield from item.value.messages()


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The graph with one or two fields of its messages changed."""
    root = Message.parse(content)
    by_name: dict[str, list[Message]] = {}
    for message in root.messages():
        if message.fields:
            by_name.setdefault(message.name, []).append(message)
    for _ in range(chance.choice((1, 1, 1, 2))):
        # A name first: most messages are nodes and dimensions.
        message = chance.choice(by_name[chance.choice(sorted(by_name))])
        if message.fields:
            _change(message, chance, by_name)
    return root.serialized()


def _change(message: Message, chance: random.Random, by_name: dict[str, list[Message]]) -> None:
    at = chance.randrange(len(message.fields))
    item = message.fields[at]
    kind = chance.randrange(10)
    if kind == 0:
        del message.fields[at]
    elif kind == 1:
        message.fields[at:at] = [item] * chance.choice((1, 1, 2, 30))
    elif kind == 2:
        donor = chance.choice(by_name[message.name])
        same = [f for f in donor.fields if f.number == item.number]
        item.value = chance.choice(same).value if same else item.value
    elif kind == 3:
        number = chance.choice((1, 2, 13, 14, 15, 100, 1000, 536870911))
        message.fields.insert(at, ProtoField(number, _BYTES, chance.randbytes(9)))
    elif kind == 4 and message.name == "Tensor":
        _point_outside(message, chance)
    elif message.name in _TYPE_FIELD and item.number == _TYPE_FIELD[message.name]:
        item.wire_type, item.value = _VARINT, chance.randrange(_NUM_TYPES)
    elif isinstance(item.value, int):
        value = blind.integer(chance, item.value) * chance.choice((1, 1, 1, -1))
        item.value = value % (1 << 64)
    elif isinstance(item.value, bytes):
        item.value = _bytes(message, item, chance)
    elif item.value.fields:
        _change(item.value, chance, by_name)


def _bytes(message: Message, item: ProtoField, chance: random.Random) -> bytes:
    value = item.value
    assert isinstance(value, bytes)
    if message.name == "Node" and item.number == 4:
        return chance.choice(_OPERATORS)
    if message.name == "Node" and item.number in (1, 2) and chance.random() < 0.5:
        names = [f.value for f in message.fields if f.number in (1, 2)]
        return bytes(chance.choice(names))  # type: ignore[arg-type]
    if item.wire_type != _BYTES:
        return chance.randbytes(len(value))
    if message.name == "Tensor" and len(value) % 8 == 0 and 0 < len(value) <= _MAX_SHAPE_BYTES:
        begin = 8 * chance.randrange(len(value) // 8)
        old = int.from_bytes(value[begin : begin + 8], "little")
        new = blind.integer(chance, old) * chance.choice((1, 1, -1)) % (1 << 64)
        return value[:begin] + new.to_bytes(8, "little") + value[begin + 8 :]
    if chance.random() < 0.1:
        return chance.choice((b"", b"\xff\xfe\x80", b"\0", value * 2, b"a" * 5000))
    return blind.mutated(value, chance)


def _point_outside(tensor: Message, chance: random.Random) -> None:
    """Take a tensor's values from another file."""
    entry = Message(
        "Entry",
        [
            ProtoField(1, _BYTES, b"location"),
            ProtoField(2, _BYTES, chance.choice(_LOCATIONS)),
        ],
    )
    if chance.random() < 0.5:
        entry.fields.insert(chance.randrange(3), ProtoField(9, _VARINT, 1))
    tensor.fields.append(ProtoField(13, _BYTES, entry))
    tensor.fields.append(ProtoField(14, _VARINT, 1))
    if chance.random() < 0.5:
        tensor.fields = [f for f in tensor.fields if f.number != 9]


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _varint(value: int) -> bytes:
    raw = bytearray()
    while value > 0x7F:
        raw.append(value & 0x7F | 0x80)
        value >>= 7
    raw.append(value)
    return bytes(raw)
