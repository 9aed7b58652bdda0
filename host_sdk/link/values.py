"""Python values as MessagePack (docs/SPEC-wire.md, "Python values"). No I/O."""

from __future__ import annotations

import struct
from typing import Any, TypeAlias, Union

import msgpack
import numpy as np
import numpy.typing as npt

from host_sdk.display.plain import plain_line

# What a value that goes to the board, or comes from it, may be.
Value: TypeAlias = Union[
    bool,
    int,
    float,
    str,
    bytes,
    "list[Value]",
    "tuple[Value, ...]",
    "dict[Any, Value]",
    "npt.NDArray[Any]",
    None,
]

_EXT_INT = 1
_EXT_ARRAY = 2
_DIMENSIONS_MAX = 8
_BRIEF = 80
_CODES = {
    "b": "int8",
    "B": "uint8",
    "h": "int16",
    "H": "uint16",
    "i": "int32",
    "I": "uint32",
    "q": "int64",
    "Q": "uint64",
    "f": "float32",
    "d": "float64",
}
_CODE_OF = {np.dtype(name): code for code, name in _CODES.items()}


def pack(value: Value) -> bytes:
    """Pack one value as MessagePack.

    Raises:
        TypeError: a type that the wire does not carry.
    """
    packed: bytes = msgpack.packb(value, default=_extend)
    return packed


def unpack(data: bytes) -> Value:
    """Unpack exactly one value.

    Raises:
        Exception: of many types, if the bytes are something else.
    """
    value: Value = msgpack.unpackb(
        data,
        strict_map_key=False,
        object_pairs_hook=_map,
        unicode_errors="replace",
        ext_hook=_read_ext,
    )
    return value


def brief(value: Value) -> str:
    """Show any value from the wire in a message, cut if it is long."""
    try:
        return plain_line(str(value), _BRIEF)
    except (ValueError, RecursionError):  # thousands of digits, or of levels
        return f"{type(value).__name__} too long to print"


# ---- Out -----------------------------------------------------------------------------------------


def _extend(value: Any) -> Any:
    """Pack what msgpack cannot, for which it asks; integers of more than 64 bits, too."""
    match value:
        case int():
            size = value.bit_length() // 8 + 1
            return msgpack.ExtType(_EXT_INT, value.to_bytes(size, "big", signed=True))
        case np.ndarray() if value.ndim == 0:
            return value.item()
        case np.ndarray():
            return msgpack.ExtType(_EXT_ARRAY, _pack_array(value))
        case np.generic():
            return value.item()
        case memoryview():
            return value.tobytes()
        case _:
            raise TypeError(f"the wire cannot carry {type(value).__name__}")


def _pack_array(array: npt.NDArray[Any]) -> bytes:
    code = _CODE_OF.get(array.dtype.newbyteorder("="))
    if code is None or array.ndim > _DIMENSIONS_MAX:
        raise TypeError(
            f"the wire carries arrays of {', '.join(_CODES.values())} with at most "
            f"{_DIMENSIONS_MAX} dimensions; this has {array.dtype} and {array.ndim}"
        )
    head = struct.pack(f"<cB{array.ndim}I", code.encode(), array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


# ---- In ------------------------------------------------------------------------------------------


def _read_ext(code: int, data: bytes) -> Any:
    match code:
        case 1:
            return int.from_bytes(data, "big", signed=True)
        case 2:
            return _read_array(data)
        case _:
            return msgpack.ExtType(code, data)


def _read_array(data: bytes) -> npt.NDArray[Any]:
    code, dimensions = struct.unpack_from("<cB", data)
    if not 1 <= dimensions <= _DIMENSIONS_MAX:
        raise ValueError(f"an array must have 1 to {_DIMENSIONS_MAX} dimensions; has {dimensions}")
    shape = struct.unpack_from(f"<{dimensions}I", data, 2)
    dtype = np.dtype(_CODES[code.decode()]).newbyteorder("<")
    items = np.frombuffer(data, dtype, offset=2 + 4 * dimensions)
    return items.astype(dtype.newbyteorder("=")).reshape(shape)


def _map(pairs: list[tuple[Value, Value]]) -> dict[Any, Value]:
    """Read a map as Python may send it: keys of any type, lists as tuples."""
    return {_hashable(key): value for key, value in pairs}


def _hashable(key: Value) -> Value:
    return tuple(_hashable(k) for k in key) if isinstance(key, list) else key
