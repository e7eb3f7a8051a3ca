"""A tiny TrueType font made by code: nobody's artwork, the same bytes everywhere.

It holds the capital letters and the digits, each drawn as a rectangle of its own height, and only
the tables that FreeType needs.
"""

from __future__ import annotations

import struct

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
EM = 1000
ADVANCE = 600


def _glyph(height: int) -> bytes:
    """One closed rectangle: four points on the outline, coordinates relative to the last one."""
    left, bottom, right = 100, 0, 500
    top = bottom + height
    bounds = struct.pack(">hhhhh", 1, left, bottom, right, top)
    outline = struct.pack(">HH", 3, 0) + bytes([1] * 4)
    across = struct.pack(">hhhh", left, 0, right - left, 0)
    upwards = struct.pack(">hhhh", bottom, height, 0, -height)
    data = bounds + outline + across + upwards
    return data + bytes(-len(data) % 4)


def _character_map() -> bytes:
    """Format 0 would do for ASCII, but PIL asks for Unicode: one segment per run (format 4)."""
    runs = [("0", "9"), ("A", "Z")]
    ends = [ord(last) for _, last in runs] + [0xFFFF]
    starts = [ord(first) for first, _ in runs] + [0xFFFF]
    glyphs = [1 + CHARACTERS.index(first) for first, _ in runs]
    deltas = [(glyph - start) % 65536 for glyph, start in zip(glyphs, starts, strict=False)] + [1]
    count = len(ends)
    body = struct.pack(">HHHH", count * 2, 4, 1, count * 2 - 4)
    body += struct.pack(f">{count}HH{count}H", *ends, 0, *starts)
    body += struct.pack(f">{count}H{count}H", *deltas, *[0] * count)
    table = struct.pack(">HHH", 4, len(body) + 6, 0) + body
    return struct.pack(">HHHHL", 0, 1, 3, 1, 12) + table


def _names() -> bytes:
    """Family and style, which PIL reads back with `getname()`."""
    records, texts = b"", b""
    for identifier, text in ((1, "Stand-in Arial"), (2, "Regular")):
        encoded = text.encode("utf-16-be")
        records += struct.pack(">6H", 3, 1, 0x409, identifier, len(encoded), len(texts))
        texts += encoded
    return struct.pack(">HHH", 0, 2, 6 + len(records)) + records + texts


def _tables() -> dict[bytes, bytes]:
    glyphs = [b"", *(_glyph(400 + 10 * index) for index in range(len(CHARACTERS)))]
    offsets = [sum(map(len, glyphs[:index])) for index in range(len(glyphs) + 1)]
    count = len(glyphs)
    head = struct.pack(">LLLLHHQQ", 0x10000, 0x10000, 0, 0x5F0F3CF5, 3, EM, 0, 0)
    head += struct.pack(">hhhhHHhhh", 0, 0, 600, 800, 0, 8, 2, 1, 0)
    metrics = struct.pack(
        ">LhhhHhhhhhh8xhH", 0x10000, 800, -200, 0, ADVANCE, 0, 0, 0, 1, 0, 0, 0, count
    )
    return {
        b"cmap": _character_map(),
        b"glyf": b"".join(glyphs),
        b"head": head,
        b"hhea": metrics,
        b"hmtx": struct.pack(">Hh", ADVANCE, 0) * count,
        b"loca": struct.pack(f">{count + 1}L", *offsets),
        b"maxp": struct.pack(">LH26x", 0x10000, count),
        b"name": _names(),
    }


def true_type() -> bytes:
    """The font file: a directory of tables, then the tables, each aligned to four bytes."""
    tables = _tables()
    directory = struct.pack(">LHHHH", 0x10000, len(tables), 128, 3, len(tables) * 16 - 128)
    offset = len(directory) + 16 * len(tables)
    body = b""
    for tag, data in tables.items():
        padded = data + bytes(-len(data) % 4)
        checksum = sum(struct.unpack(f">{len(padded) // 4}L", padded)) % 2**32
        directory += struct.pack(">4sLLL", tag, checksum, offset + len(body), len(data))
        body += padded
    return directory + body
