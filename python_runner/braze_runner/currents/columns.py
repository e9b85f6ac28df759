"""Decoders for the fields of a flat Avro record: each reads at an offset, appends to its column, moves on.

Closures over plain lists, because this is the hot path of the loader: no allocation but the value itself.
"""

import struct
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

Decoder = Callable[[bytes, int], int]
Kind = tuple[str, int | None]
"""A catalogue type, and the position of null in the union when the field is optional."""


def decoders_for(kinds: Sequence[Kind], columns: Sequence[list[Any]]) -> list[Decoder]:
    """Return the decoders of a record, in order: each appends what it reads to the columns of its fields.

    A decoder raises IndexError or ValueError on bytes that cannot be such a field.
    """
    decoders: list[Decoder] = []
    pairs = zip(kinds, columns, strict=True)
    for (name, null_at), group in groupby(pairs, key=lambda pair: pair[0]):
        members = [column for _, column in group]
        if name == "string" and null_at is not None:
            decoders.append(_nullable_strings(members, null_at * 2))
        else:
            decoders += [_decoder(name, null_at, column) for column in members]
    return decoders


def _decoder(name: str, null_at: int | None, column: list[Any]) -> Decoder:
    decode = _MAKERS[name](column)
    return decode if null_at is None else _nullable(decode, null_at * 2, column)


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """Decode one zig-zag varint: (value, offset after it)."""
    raw = shift = 0
    while True:
        byte = data[at]
        at += 1
        raw |= (byte & 0x7F) << shift
        if byte <= 0x7F:
            return (raw >> 1) ^ -(raw & 1), at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _nullable(decode: Decoder, null: int, column: list[Any]) -> Decoder:
    append = column.append
    other = 2 - null

    def nullable(data: bytes, at: int) -> int:
        branch = data[at]
        if branch == null:
            append(None)
            return at + 1
        if branch != other:
            raise ValueError("a union has no such branch")
        return decode(data, at + 1)

    return nullable


def _string(column: list[Any]) -> Decoder:
    append = column.append

    def string(data: bytes, at: int) -> int:
        size = data[at]
        at += 1
        if size > 0x7F:
            size, at = read_long(data, at - 1)
            size <<= 1
        if size & 1 or size < 0:
            raise ValueError("a text has a negative length")
        end = at + (size >> 1)
        append(data[at:end])
        return end

    return string


def _nullable_strings(columns: Sequence[list[Any]], null: int) -> Decoder:
    """Decode a run of optional texts in one call: most Currents fields are of this kind, and in a row."""
    other = 2 - null
    fields = [(column.append, _nullable(_string(column), null, column)) for column in columns]

    def nullable_strings(data: bytes, at: int) -> int:
        for append, decode in fields:
            branch = data[at]
            if branch == null:
                append(None)
                at += 1
                continue
            size = data[at + 1]
            # An odd first byte is a negative length, one above 127 a length of two bytes or more.
            if size & 0x81 or branch != other:
                at = decode(data, at)
                continue
            at += 2
            end = at + (size >> 1)
            append(data[at:end])
            at = end
        return at

    return nullable_strings


def _long(column: list[Any]) -> Decoder:
    append = column.append

    def long(data: bytes, at: int) -> int:
        value, at = read_long(data, at)
        append(value)
        return at

    return long


def _boolean(column: list[Any]) -> Decoder:
    append = column.append

    def boolean(data: bytes, at: int) -> int:
        byte = data[at]
        if byte > 1:
            raise ValueError("a boolean is neither true nor false")
        append(byte == 1)
        return at + 1

    return boolean


def _packed(shape: struct.Struct) -> Callable[[list[Any]], Decoder]:
    def make(column: list[Any]) -> Decoder:
        append, unpack, size = column.append, shape.unpack_from, shape.size

        def packed(data: bytes, at: int) -> int:
            if at + size > len(data):
                raise ValueError("a block ends too early")
            append(unpack(data, at)[0])
            return at + size

        return packed

    return make


def _strings(column: list[Any]) -> Decoder:
    def strings(data: bytes, at: int) -> int:
        items: list[bytes] = []
        decode = _string(items)
        count, at = read_long(data, at)
        while count:
            if count < 0:
                count, (_, at) = -count, read_long(data, at)
            for _ in range(count):
                at = decode(data, at)
            count, at = read_long(data, at)
        column.append(items)
        return at

    return strings


_MAKERS: dict[str, Callable[[list[Any]], Decoder]] = {
    "string": _string,
    "int": _long,
    "long": _long,
    "float": _packed(struct.Struct("<f")),
    "double": _packed(struct.Struct("<d")),
    "boolean": _boolean,
    "array<string>": _strings,
}
