"""Pack constants for TFLM_DECODE, and make graphs that unpack them."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from tests.numeric.harness import Array

KIND = "CUSTOM TFLM_DECODE"
LUT, HUFFMAN, PRUNE = range(3)
TYPES = {
    LUT: ("int8", "int16", "int32", "int64", "float32", "bool"),
    HUFFMAN: ("int8", "int16"),
    PRUNE: ("int8", "int16", "int32", "int64", "float32", "bool"),
}


def packed_graph(rng: np.random.Generator, method: int, dtype: str) -> Graph:
    """Make a graph whose second output is unpacked, with one scale or more."""
    shape = tuple(int(v) for v in rng.integers(1, 7, int(rng.integers(1, 4))))
    axis = [None, 0, len(shape) - 1][int(rng.integers(0, 3))]
    channels = 1 if axis is None else shape[axis]
    zeros = rng.integers(-128, 128, channels) if dtype == "int8" else np.zeros(channels)
    quant = Quant(
        tuple(float(np.float32(v)) for v in rng.uniform(0.1, 1, channels)),
        tuple(int(v) for v in zeros),
        axis if channels > 1 else None,
    )
    b = GraphBuilder()
    x = b.input(4, dtype="int32")
    y = b.op("RESHAPE", (x, b.constant([2, 2])), b.tensor(2, 2, dtype="int32"))
    values = b.tensor(*shape, dtype=dtype, quant=quant)
    count = int(np.prod(shape))
    if method == LUT:
        data, ancillary = random_table(rng, dtype, count, channels)
    elif method == PRUNE:
        data, ancillary = random_pruned(rng, dtype, count)
    else:
        symbols = rng.integers(-8, 8, count) if rng.random() < 0.5 else rng.integers(-99, 99, count)
        data, ancillary = huffman(symbols, dtype == "int16" or rng.random() < 0.5)
    b.op(KIND, [b.constant(data, "uint8"), b.constant(ancillary, "uint8")], values)
    return b.graph(y, values)


def header(method: int, *options: int) -> bytes:
    """Make the header; options are its bytes from the fifth on."""
    return bytes([method, 1, 0, 0, 1, *options]).ljust(16, b"\0")


def random_table(
    rng: np.random.Generator, dtype: str, count: int, channels: int
) -> tuple[Array, Array]:
    """Draw indices, and a table for each channel."""
    width = int(rng.integers(1, 8))
    stride = 1 << width if rng.random() < 0.5 else int(rng.integers(1, (1 << width) + 1))
    values = random_values(rng, dtype, stride * channels)
    data = bytes_of(rng.integers(0, stride, count), width)
    return data, as_bytes(header(LUT, width, stride) + values.tobytes())


def random_pruned(rng: np.random.Generator, dtype: str, count: int) -> tuple[Array, Array]:
    """Draw which values are there, and these."""
    is_there = rng.random(count) < 0.4
    values = random_values(rng, dtype, int(is_there.sum()))
    return bytes_of(is_there, 1), as_bytes(header(PRUNE) + values.tobytes())


def random_values(rng: np.random.Generator, dtype: str, count: int) -> Array:
    """Draw values of a type."""
    if dtype == "bool":
        return rng.integers(0, 2, count).astype(bool)
    return rng.normal(0, 90, count).astype(dtype)


def bytes_of(numbers: Array, width: int) -> Array:
    """Pack numbers of some bits, first bits first."""
    places = np.arange(width - 1, -1, -1)
    return np.packbits((np.asarray(numbers, int)[:, None] >> places & 1).astype(np.uint8))


def as_bytes(data: bytes) -> Array:
    """Take bytes as an array."""
    return np.frombuffer(data, np.uint8)


def huffman(symbols: Array, is_wide: bool) -> tuple[Array, Array]:
    """Give symbols codes; a first table of 3 bits leads to others of 2."""
    known = np.unique(symbols)
    codes, code, length = {}, 0, 2
    for i, symbol in enumerate(known.tolist()):
        rest = len(known) - i
        while rest > (1 << length) - code and length < 15:
            code, length = code << 1, length + 1
            if code + rest <= 1 << length:
                break
        codes[symbol] = (code, length)
        code += 1
    text = "".join(f"{codes[s][0]:0{codes[s][1]}b}" for s in symbols.tolist())
    text += "0" * (-len(text) % 32)
    table: list[int] = []
    _add_table(table, {f"{c:0{n}b}": s for s, (c, n) in codes.items()}, 3, is_wide)
    options = int(is_wide) | 2 << 4
    kept = np.array(table, np.uint32 if is_wide else np.uint16)
    data = np.packbits(np.array([int(bit) for bit in text], np.uint8))
    return data, as_bytes(header(HUFFMAN, options) + kept.tobytes())


def _add_table(table: list[int], codes: dict[str, int], bits: int, is_wide: bool) -> int:
    """Append the table of codes, and those that it leads to; return its place."""
    place, shift = len(table), 27 if is_wide else 11
    table += [0] * (1 << bits)
    for i in range(1 << bits):
        prefix = f"{i:0{bits}b}"
        whole = next((code for code in codes if prefix.startswith(code)), None)
        if whole is not None:
            symbol = codes[whole] & (0xFFFF if is_wide else 0xFF)
            table[place + i] = 1 << (shift + 4) | len(whole) << shift | symbol
        elif longer := {c[bits:]: s for c, s in codes.items() if c.startswith(prefix)}:
            at = _add_table(table, longer, 2, is_wide)
            table[place + i] = 1 << shift | at - (place + i)
    return place
