from __future__ import annotations

import contextlib
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_sdk import ProtocolError
from host_sdk.link.messages import Failure, Notification, Reply, Request, unpack
from host_sdk.link.wire_map import WireMap

ids = st.integers(0, 2**32 - 1)
plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary()
values = st.recursive(
    plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3)
)
failures = st.builds(Failure, st.integers(-99, -1), st.text(), st.none() | st.text())
messages = (
    st.builds(Request, ids, st.text(), st.lists(values).map(tuple))
    | st.builds(Reply, ids, st.none(), values)
    | st.builds(Reply, ids, failures, st.none())
    | st.builds(Notification, st.text(), st.lists(values).map(tuple))
)


@given(messages)
def test_unpack_undoes_pack(message: Any) -> None:
    assert unpack(message.pack()) == message


@pytest.mark.parametrize(
    ("message", "packed"),
    [
        (Request(7, "ping", (1,)), "9400 07 a470696e67 9101"),
        (Reply(7, None, 1), "9401 07 c0 01"),
        (Reply(7, Failure(-20, "no"), None), "9401 07 93ec a26e6f c0 c0"),
        (Notification("boot", ()), "9302 a4626f6f74 90"),
    ],
)
def test_bytes_are_those_of_the_specification(message: Any, packed: str) -> None:
    assert message.pack() == bytes.fromhex(packed)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        unpack(data)


@pytest.mark.parametrize(
    "value",
    [
        [],
        [0, -1, "m", []],
        [0, 2**32, "m", []],
        [1, -1, None, 2],
        [2, "t"],
        [3, 1, 2, 3],
        {"a": 1},
        0,
    ],
)
def test_what_is_no_message_is_refused(value: Any) -> None:
    with pytest.raises(ProtocolError):
        unpack(msgpack.packb(value))


def test_a_second_value_in_a_body_is_refused() -> None:
    with pytest.raises(ProtocolError, match="must be one MessagePack value"):
        unpack(Request(1, "ping").pack() * 2)


def test_fields_name_place_rule_and_value() -> None:
    fields = WireMap({"size": "big", "flag": 1, "list": [1, "2"]}, "hello")
    with pytest.raises(ProtocolError, match="hello: 'size' must be an integer; is big"):
        fields.integer("size")
    with pytest.raises(ProtocolError, match="hello: 'flag' must be a bool; is 1"):
        fields.flag("flag")
    with pytest.raises(ProtocolError, match="hello: 'name' must be a str; is None"):
        fields.text("name")
    with pytest.raises(ProtocolError, match="list of integers"):
        fields.integers("list")
    with pytest.raises(ProtocolError, match="'list' 0: must be a map"):
        fields.maps("list")


def test_maps_have_keys_of_any_type() -> None:
    packed = bytes.fromhex("9401 07 c0 83 05 c3 92 01 02 03 a161 a1ff")
    assert unpack(packed) == Reply(7, None, {5: True, (1, 2): 3, "a": "\ufffd"})


@pytest.mark.parametrize(
    "rest",
    [
        [[1], 2],
        [[-4, "m", None], 2],
        [[-4, 5, None], None],
        [["-4", "m", None], None],
        [[4, "m", None], None],
        [[-(2**31) - 1, "m", None], None],
        [[msgpack.ExtType(1, b"\x80" * 4000), "m", None], None],
        [],
        [None],
        [None, 1, 2],
    ],
)
def test_a_broken_reply_still_belongs_to_its_request(rest: list[Any]) -> None:
    read = unpack(msgpack.packb([1, 7, *rest]))
    assert isinstance(read, Reply)
    assert (read.id, read.failure, read.result) == (7, None, None)
    assert "must be" in read.broken_rule
    assert len(read.broken_rule) < 200
