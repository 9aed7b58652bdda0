"""Strategies for what a wire may bring: any MessagePack, well-formed nonsense too."""

from __future__ import annotations

import msgpack
from hypothesis import strategies as st

_INTEGERS = st.integers(-(2**63), 2**64 - 1)
_SCALARS = (
    st.none()
    | st.booleans()
    | _INTEGERS
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20)
)
# Ext 1 longer than Python likes to print; ext 2 with a head that may be right.
_EXTS = (
    st.builds(msgpack.ExtType, st.integers(0, 3), st.binary(max_size=40))
    | st.builds(lambda n: msgpack.ExtType(1, b"\x7f" * n), st.integers(1700, 2100))
    | st.builds(
        lambda code, shape, items: msgpack.ExtType(
            2,
            code.encode()
            + bytes([len(shape)])
            + b"".join(n.to_bytes(4, "little") for n in shape)
            + items,
        ),
        st.sampled_from("bBhHiIqQfdx"),
        st.lists(st.sampled_from([0, 1, 2, 3, 2**32 - 1]), max_size=12),
        st.binary(max_size=16),
    )
)
VALUES = st.recursive(
    _SCALARS | _EXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | _INTEGERS | st.binary(max_size=3), inner)
    ),
    max_leaves=12,
)


def packed(value: object) -> bytes:
    """Pack a value as the wire carries it."""
    data: bytes = msgpack.packb(value)
    return data


def deep(levels: int, inner: bytes = b"\xc0") -> bytes:
    """Make a list in a list in a list ..."""
    return b"\x91" * levels + inner
