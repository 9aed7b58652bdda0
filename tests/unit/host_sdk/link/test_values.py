from __future__ import annotations

from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from host_sdk.link import values

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
)
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)
DTYPES = st.sampled_from("bBhHiIqQfd").map(lambda code: np.dtype(code))


@given(NESTED)
def test_values_come_back_equal(value: Any) -> None:
    assert values.unpack(values.pack(value)) == value


@given(
    st.builds(lambda d: d.newbyteorder(">"), DTYPES).flatmap(
        lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0))
    )
)
def test_arrays_keep_shape_and_items(array: Any) -> None:
    back = values.unpack(values.pack(array))
    assert isinstance(back, np.ndarray)
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)
    back[...] = 0  # it is the caller's own


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1])
def test_integers_at_the_edge_of_64_bits(number: int) -> None:
    packed = values.pack(number)
    assert values.unpack(packed) == number
    assert (packed[0] in (0xCF, 0xD3)) == (-(2**63) <= number < 2**64)


def test_numbers_of_numpy_are_numbers() -> None:
    packed = values.pack([np.int8(-3), np.float32(0.5), np.bool_(True), np.array(7)])  # type: ignore[list-item]
    assert values.unpack(packed) == [-3, 0.5, True, 7]


def test_tuples_as_keys_come_back() -> None:
    assert values.unpack(values.pack({(1, ("a", 2)): (3,)})) == {(1, ("a", 2)): [3]}


@pytest.mark.parametrize("value", [object(), {1, 2}, np.zeros(2, np.complex64), np.zeros(1, "U1")])
def test_what_the_wire_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="wire"):
        values.pack(value)


@pytest.mark.parametrize("data", [b"", b"f", b"f\1", b"x\1\0\0\0\0", b"f\1\2\0\0\0\0\0\0\0"])
def test_malformed_arrays_are_refused(data: bytes) -> None:
    with pytest.raises(Exception):  # noqa: B017  of many kinds; unpack_value makes them one
        values.unpack(msgpack.packb(msgpack.ExtType(2, data)))
