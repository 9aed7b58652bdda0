"""An HDF5 file of others, looked through before it is read: all must be within it.

In HDF5 a group may link to another file, a data set may have its values in another file, and a few
bytes may announce terabytes. h5py comes with TensorFlow: for Keras this runs in the converter's
process, before TensorFlow is imported there.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError, UnsafeModelError

HDF5_MARK = b"\x89HDF\r\n\x1a\n"
_MOST_OBJECTS = 100_000
_MOST_DEPTH = 64
_MOST_BYTES = 1 << 30  # of all values


def check_hdf5(file: Any, place: str) -> None:
    """Refuse a file that leads elsewhere, turns in circles or announces too much.

    Args:
        file: an open `h5py.File`.
        place: the file, for errors.

    Raises:
        ModelFileError: it is damaged or too large.
        UnsafeModelError: a part of it is in another file.
    """
    left = _MOST_BYTES
    try:
        for path, item in _items(file, place):
            if not hasattr(item, "dtype"):
                continue
            if item.external or item.is_virtual:
                raise UnsafeModelError(place, "values must be in the file", _shown(path))
            left -= item.size * item.dtype.itemsize if item.size else 0
            if left < 0:
                raise ModelFileError(f"{place} must hold at most {_MOST_BYTES:,} bytes of values")
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise ModelFileError(f"{place} must be a whole HDF5 file; {_shown(error)}") from error


def read_text(file: Any, name: str, place: str) -> str | None:
    """Read an attribute that is a text; None: there is none.

    Args:
        file: an open `h5py.File`.
        name: of the attribute.
        place: the file, for errors.

    Raises:
        ModelFileError: it is something else.
    """
    try:
        value = file.attrs.get(name)
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise ModelFileError(f"{place} must be a whole HDF5 file; {_shown(error)}") from error
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if value is not None and not isinstance(value, str):
        raise ModelFileError(f"{place}: {name} must be a text; is {type(value).__name__}")
    return value


def _items(file: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield path and object of everything in the file, each once."""
    h5py: Any = import_module("h5py")
    seen: set[Any] = set()
    left: list[tuple[str, Any, int]] = [("", file, 0)]
    while left:
        path, group, depth = left.pop()
        for name in group:
            inner = f"{path}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UnsafeModelError(place, "its parts must be in the file", _shown(inner))
            item = group[name]
            where = h5py.h5o.get_info(item.id).addr
            if where in seen or len(seen) == _MOST_OBJECTS or depth == _MOST_DEPTH:
                raise ModelFileError(
                    f"{place} must hold at most {_MOST_OBJECTS:,} parts, {_MOST_DEPTH} deep, each "
                    f"once; {_shown(inner)} is one more"
                )
            seen.add(where)
            yield inner, item
            if isinstance(item, h5py.Group):
                left.append((inner, item, depth + 1))


def _shown(value: object) -> str:
    return plain_line(str(value), 200)
