"""Read whatever a board or a wire brings, or refuse it by a typed error."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_sdk import Device, ProtocolError
from host_sdk.inference.model import make_model
from host_sdk.link import values
from host_sdk.link.board_info import BoardInfo, BootReport, StoredObject
from host_sdk.link.framing import encode_frame
from host_sdk.link.messages import Notification, Reply, Request, unpack, unpack_value
from host_sdk.link.wire_map import WireMap
from host_sdk.transports.core import open_core
from tests.unit.host_sdk.blobs import adder_metadata, make_blob
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.link.untrusted import VALUES, deep, packed


def told() -> tuple[Any, Any, Any]:
    """Return what the core says of itself, of an object and of a model."""
    with Device(open_core()) as board:
        board.load_model(make_blob(), "a")
        call: Callable[..., Any] = board._session.call
        return call("hello", 1), call("ls")[0], call("model")


HELLO, OBJECT, MODEL = told()
BOOT = HELLO["boot"]

READERS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "hello": (HELLO, BoardInfo.read),
    "boot": (BOOT, BootReport.read),
    "object": (OBJECT, lambda v: StoredObject.read(WireMap(v, "ls"))),
    "model": (MODEL, lambda v: make_model(WireMap(v, "model"), WireMap(adder_metadata(8), "blob"))),
    "metadata": (
        adder_metadata(8, labels=["a"], image={"mean": 1, "std": [1, 2]}),
        lambda v: make_model(WireMap(MODEL, "model"), WireMap(v, "blob")),
    ),
}
HUGE = msgpack.ExtType(1, b"\x7f" * 2000)  # an integer of more digits than Python prints


def mutated(whole: Any) -> st.SearchStrategy[Any]:
    """Return the value with one part replaced or, in a map, missing."""
    paths = list(_paths(whole))

    @st.composite
    def build(draw: st.DrawFn) -> Any:
        path = draw(st.sampled_from(paths))
        if not path:
            return draw(VALUES)
        changed = copy.deepcopy(whole)
        at = changed
        for key in path[:-1]:
            at = at[key]
        if isinstance(at, dict) and draw(st.booleans()):
            del at[path[-1]]
        else:
            at[path[-1]] = draw(VALUES)
        return changed

    return build()


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield from _paths(inner, (*path, key))


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_maps_of_a_board_are_read_or_refused(name: str, data: st.DataObject) -> None:
    whole, read = READERS[name]
    raw = packed(data.draw(mutated(whole)))
    with contextlib.suppress(ProtocolError):
        str(read(unpack_value(raw, "a board's")))


@given(VALUES)
def test_any_value_is_a_message_or_refused(value: Any) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(unpack(packed(value)), Request | Reply | Notification)


@given(st.tuples(VALUES, VALUES, VALUES, VALUES))
def test_any_parts_of_a_message_are_taken_or_refused(parts: Any) -> None:
    for kind in (0, 1, 2):
        for message in ([kind, *parts[1:]], [kind, *parts[2:]], list(parts)):
            with contextlib.suppress(ProtocolError):
                unpack(packed(message))


@given(st.integers(0, 3000), st.binary(max_size=3))
def test_no_depth_is_too_deep(levels: int, inner: bytes) -> None:
    for raw in (deep(levels, inner), b"\x94\x01\x07\xc0" + deep(levels, inner), b"\x81" * levels):
        with contextlib.suppress(ProtocolError):
            unpack(raw)


@given(VALUES, st.data())
def test_corrupt_values_are_read_or_refused(value: Any, data: st.DataObject) -> None:
    raw = bytearray(packed(value))
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    with contextlib.suppress(ProtocolError):
        unpack_value(cut, "a value")


@pytest.mark.parametrize("message", [[3, HUGE], HUGE, [1, HUGE, None, None], [0, HUGE, "m", []]])
def test_integers_too_long_to_print_are_refused_as_others(message: Any) -> None:
    with pytest.raises(ProtocolError, match="int"):
        unpack(packed(message))


def test_an_array_in_the_place_of_a_kind_is_refused() -> None:
    with pytest.raises(ProtocolError, match="message must be"):
        unpack(values.pack([np.zeros(3, np.int8), 1, None, None]))


@pytest.mark.parametrize("number", [HUGE, 2**64, -(2**63) - 1])
def test_integers_of_a_map_have_64_bits(number: Any) -> None:
    read = unpack_value(
        values.pack({"n": number}) if isinstance(number, int) else packed({"n": number}), "m"
    )
    for method in (WireMap.integer, WireMap.number):
        with pytest.raises(ProtocolError, match="'n' must be"):
            method(WireMap(read, "m"), "n")


@pytest.mark.parametrize(
    "array",
    [b"b\0\x01", b"b\x09" + b"\1\0\0\0" * 9 + b"\x01", b"b\1\2\0\0\0\x01", b"b\1\0\0\0\0\x01"],
)
def test_arrays_have_one_to_eight_dimensions_that_fit(array: bytes) -> None:
    with pytest.raises(ProtocolError):
        unpack_value(packed(msgpack.ExtType(2, array)), "value")


def test_nonsense_in_valid_frames_leaves_the_link_open(connect: Connect) -> None:
    board, device = connect()
    nonsense = [[values.pack([np.zeros(3), 1, None, None])], [packed([3, HUGE])]]
    nonsense += [[packed([2, "boot", [{**BOOT, "cause": HUGE}]])], [deep(2000)]]
    for (body,) in nonsense:
        board.send(encode_frame(body))
    assert device.ping(1) == 1
    assert device._session.link.counters.bad_messages == len(nonsense)
