"""TFLM_DECODE: constants that are stored packed. The reference is TFLite Micro.

They are unpacked at compile time: what runs is the model with its constants as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relocatable.graph.graph import Tensor
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, MANY, Array, Operand, Operator

KIND = "CUSTOM TFLM_DECODE"
_HEADER_BYTES, _VERSION = 16, 1
_METHOD_AT, _VERSION_AT, _OPTIONS_AT, _STRIDE_AT = 0, 1, 5, 6
_LUT_TYPES = ("bool", "float32", "int8", "int16", "int32", "int64")
_MOST_TABLES = 32  # that lead to a symbol
_FOUND = 1 << 31  # in an entry of a Huffman table: it is a symbol's
_COUNT_SHIFT, _COUNT_MASK, _NEXT_MASK = 27, 15, (1 << 27) - 1


def _channels(output: Tensor) -> Array:
    """Number each value's channel, as its scales go.

    Raises:
        ValueError: scales go along a dimension between the first and the last.
    """
    count = len(output.quant.scale) if output.quant else 1
    axis = output.quant.axis if output.quant else None
    if count > 1 and axis not in (0, len(output.shape) - 1):
        raise ValueError(f"scales must go along the first or last dimension; go along {axis}")
    if output.count % count:
        raise ValueError(f"{output.count} values must be of {count} channels")
    at = np.arange(output.count)
    is_last = count > 1 and axis == len(output.shape) - 1
    return at % count if is_last else at // max(1, output.count // count)


def _bits(data: Array, count: int, width: int) -> Array:
    """Take numbers of some bits from bytes, first bits first.

    Raises:
        ValueError: there are too few bytes.
    """
    if data.size * 8 < count * width:
        raise ValueError(f"{count} numbers of {width} bits must be there; are {data.size} bytes")
    bits = np.unpackbits(data, count=count * width).reshape(count, width)
    return np.asarray(bits @ (1 << np.arange(width - 1, -1, -1)))


def _values(data: Array, dtype: str) -> Array:
    """Take the bytes behind the header as values of a type."""
    whole = (data.size - _HEADER_BYTES) // np.dtype(dtype).itemsize * np.dtype(dtype).itemsize
    return np.asarray(data[_HEADER_BYTES : _HEADER_BYTES + whole].view(dtype))


def look_up(output: Tensor, data: Array, ancillary: Array) -> Array:
    """Take each value from its channel's table."""
    width, stride = int(ancillary[_OPTIONS_AT]) & 7, int(ancillary[_STRIDE_AT])
    if width == 0 or output.dtype not in _LUT_TYPES:
        raise ValueError(f"table must have 1 to 7 bits; has {width}, of {output.dtype}")
    at = _channels(output) * stride + _bits(data, output.count, width)
    return np.asarray(_values(ancillary, output.dtype)[at])


def restore_pruned(output: Tensor, data: Array, ancillary: Array) -> Array:
    """Put values where a bit is set, and elsewhere what is the real number 0."""
    zeros = np.array(output.quant.zero_point if output.quant else [0])
    if output.dtype not in _LUT_TYPES or (output.dtype != "int8" and zeros.any()):
        raise ValueError(f"zero points must be 0 but for int8; are {zeros} of {output.dtype}")
    is_there = _bits(data, output.count, 1).astype(bool)
    values, count = _values(ancillary, output.dtype), int(is_there.sum())
    if values.size < count:
        raise ValueError(f"{count} values must be there; are {values.size}")
    made: Array = zeros[_channels(output) % zeros.size].astype(output.dtype)
    made[is_there] = values[:count]
    return made


def decode_huffman(output: Tensor, data: Array, ancillary: Array) -> Array:
    """Read symbols by tables, whose entries are symbols or lead to other tables."""
    options = int(ancillary[_OPTIONS_AT])
    is_wide, first = bool(options & 1), (options >> 4) + 1
    if output.dtype not in (("int8", "int16") if is_wide else ("int8",)):
        raise ValueError(f"symbols must be int8, or int16 of a wide table; are {output.dtype}")
    table = _values(ancillary, "uint32" if is_wide else "uint16").tolist()
    if not is_wide:  # as if it were wide: one bit, four of a count, eleven of a value
        table = [(entry >> 11) << _COUNT_SHIFT | entry & 0x7FF for entry in table]
    stream, place, most = data.tobytes() + bytes(8), 0, 8 * data.size
    symbols: list[int] = []
    while len(symbols) < output.count and place < most:
        width, at = first, 0
        for _ in range(_MOST_TABLES):
            window = int.from_bytes(stream[place >> 3 : (place >> 3) + 4])
            at += window >> (32 - width - (place & 7)) & (1 << width) - 1
            place += width
            entry = table[at]
            count = entry >> _COUNT_SHIFT & _COUNT_MASK
            if entry & _FOUND or place > most:
                break
            width, at = count + 1, at + (entry & _NEXT_MASK)
        if not entry & _FOUND:
            break
        place -= max(0, width - count)
        symbols.append(entry & 0xFFFF)
    if len(symbols) < output.count or place > most:
        raise ValueError(f"{output.count} symbols must be found in {data.size} bytes")
    return np.array(symbols, np.uint16).astype(output.dtype)


_METHODS: dict[int, Callable[[Tensor, Array, Array], Array]] = {
    0: look_up,
    1: decode_huffman,
    2: restore_pruned,
}


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, ...]:
    """Unpack each output by its own method.

    Raises:
        ValueError: the bytes are of no method that is known, or are too few.
    """
    pairs = zip(inputs[::2], inputs[1::2], node.outputs, strict=True)
    return tuple(_decode(output, *map(_as_bytes, pair)) for *pair, output in pairs)


def _as_bytes(values: Array) -> Array:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def _decode(output: Tensor, data: Array, ancillary: Array) -> Array:
    if ancillary.size < _HEADER_BYTES or ancillary[_VERSION_AT] != _VERSION:
        raise ValueError(f"a header of {_HEADER_BYTES} bytes and version {_VERSION} must be there")
    method = _METHODS.get(int(ancillary[_METHOD_AT]))
    if method is None:
        raise ValueError(f"method must be one of {sorted(_METHODS)}; is {ancillary[_METHOD_AT]}")
    return method(output, data, ancillary)


OPERATORS = (
    Operator(
        kind=KIND,
        operands=(
            Operand("packed values", ANY, constant=True, may_be_empty=True),
            Operand("ancillary data", ANY, constant=True),
        ),
        output=ANY,
        outputs=(1, MANY),
        is_variadic=True,
        shape=None,
        evaluate=evaluate,
        folds="constants",
        reference="TFLite Micro",
        version=1,
    ),
)
