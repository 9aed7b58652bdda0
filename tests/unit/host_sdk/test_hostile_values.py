"""Sizes, endless lists, floods and odd numbers of a board."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from host_sdk import Device, ProtocolError
from host_sdk.errors import ModelFileError
from host_sdk.inference.draw import draw_boxes
from host_sdk.inference.model import make_model
from host_sdk.inference.picture import Letterbox
from host_sdk.inference.results import Detections, read_classes, read_detections
from host_sdk.link.board_info import BoardInfo
from host_sdk.link.framing import encode_frame
from host_sdk.link.messages import Reply, Request
from host_sdk.link.wire_map import WireMap
from host_sdk.scripting.console import Console
from host_sdk.scripting.events import Event, EventStream
from relocatable.blob.blob import CLASS_DTYPE, DETECTION_DTYPE, Blob
from relocatable.blob.details import MOST_METADATA_BYTES
from tests.unit.host_sdk.blobs import adder_metadata, make_blob
from tests.unit.host_sdk.conftest import Connect

REPLY: dict[str, Any] = {
    "name": "m",
    "version": 1,
    "sha256": bytes(32),
    "arena": 128,
    "stack": 64,
    "entries": [{"result": 0}, {"result": 1}, {"result": 2}],
}
ENDLESS: dict[str, Callable[[Device], object]] = {
    "ls": lambda d: d.ls(),
    "held": lambda d: d.put("text", b"other" * 300),
    "history": lambda d: d.history("m"),
    "rpc_list": lambda d: dir(d.rpc),
}


def changed(**changes: Any) -> Callable[[Any], Any]:
    """Return what puts other values into a result."""
    return lambda result: result | changes


def give(value: Any, _: Any) -> Any:
    """Return a value in place of a result."""
    return value


# ---- Lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ENDLESS)
def test_a_list_without_end_is_refused(connect: Connect, method: str) -> None:
    board, device = connect(flash_bytes=1 << 17)
    board.functions["f"] = (lambda: None, [], "")
    device.put("text", b"text" * 300)
    device.load_model(make_blob(), "m")
    first: list[Any] = []

    def repeat(page: Any) -> Any:
        first.append(page)
        return first[0] * 15

    board.alter[method] = repeat
    with pytest.raises(ProtocolError, match=rf"^{method}: must have at most 1024 items; has"):
        ENDLESS[method](device)


@pytest.mark.parametrize("method", ["ls", "held", "history", "rpc_list"])
def test_a_list_is_a_list(connect: Connect, method: str) -> None:
    board, device = connect()
    device.load_model(make_blob(), "m")
    board.alter[method] = lambda page: {"a": 1}
    with pytest.raises(ProtocolError, match=f"{method}: must be a list; is dict"):
        ENDLESS[method](device)


def test_an_object_without_end_is_refused(connect: Connect) -> None:
    board, device = connect(flash_bytes=1 << 17)
    device.put("text", b"text")
    for more in (0, 1):

        def give(request: Request, more: int = more) -> None:
            size: Any = request.params[2]
            board.pass_back(Reply(request.id, None, bytes(size + more)))

        board.take = give
        with pytest.raises(ProtocolError, match="get: must give at most"):
            device.get("text")


# ---- Sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("frame", n) for n in (0, -1, 1023, 2**32)),
        *(("window", n) for n in (-1, 2**32)),
        *(("arena", n) for n in (-1, 2**28 + 1, 2**63)),
        *(("stack", n) for n in (-1, 2**32)),
        *(("size", n) for n in (-1, 2**28 + 1)),
        *(("sector", n) for n in (-1, 0, 2**28 + 1)),
        *(("free", n) for n in (-1, 2**40)),
        *(("protocol", n) for n in ([1], [1, -1], [1, 2**63], "1.0")),
        ("methods", [1]),
    ],
)
def test_sizes_of_hello_are_bounded(connect: Connect, key: str, value: Any) -> None:
    _, device = connect()
    hello: Any = device._session.call("hello", 1)
    (hello["flash"] if key in hello["flash"] else hello)[key] = value
    with pytest.raises(ProtocolError, match=f"'{key}' must be"):
        BoardInfo.read(hello)


def test_the_host_keeps_its_own_limits(connect: Connect) -> None:
    board, device = connect()
    board.alter["hello"] = lambda hello: {**hello, "frame": 2**31, "window": 2**31}
    info = device.info()
    assert (info.frame_bytes, info.window) == (1 << 16, 256)
    assert device._session.link.window.size == 255
    board.alter["hello"] = lambda hello: {**hello, "window": 0}
    device.info()
    assert device._session.link.window.size == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [2**31, 2**31, 2**31]},
        {"shape": [2**63]},
        {"shape": [-1, -1]},
        {"shape": [129]},
        {"shape": [1] * 60000},
        {"shape": [1, 8], "offset": 121},
        {"shape": [1, 8], "offset": -1},
        {"scale": float("nan")},
        {"scale": float("inf")},
        {"scale": -1.0},
        {"scale": 1e300},
        {"zero_point": 2**63},
        {"dtype": "object"},
    ],
)
def test_tensors_lie_in_the_arena_and_have_numbers_that_can_be_used(changes: Any) -> None:
    metadata = adder_metadata(8)
    metadata["tensors"][0] |= changes
    with pytest.raises(ProtocolError, match="must be"):
        make_model(WireMap(REPLY, "model"), WireMap(metadata, "metadata"))


def test_sizes_of_a_run_are_bounded(connect: Connect) -> None:
    board, device = connect()
    device.load_model(make_blob())
    for size in (-1, 2**31, 2**63):
        board.alter["run"] = changed(size=size, result=None)
        with pytest.raises(ProtocolError, match="run: 'size' must be"):
            device.infer(np.zeros(8))
    board.alter["run"] = changed(result=None)
    for piece in (b"", bytes(60000), [1]):
        board.alter["out_read"] = partial(give, piece)
        with pytest.raises(ProtocolError, match="out_read: must give 8 bytes"):
            device.infer(np.zeros(8))


def test_more_steps_than_the_model_has_are_refused(connect: Connect) -> None:
    board, device = connect()
    device.load_model(make_blob())
    board.alter["run"] = lambda run: {**run, "steps": [1] * 3}
    with pytest.raises(ProtocolError, match="at most the model's 2 steps; has 3"):
        device.trace(reference="none")


# ---- Metadata ------------------------------------------------------------------------------------


def test_long_metadata_are_neither_read_nor_sent(connect: Connect) -> None:
    board, device = connect()
    device.load_model(make_blob())
    for size in (MOST_METADATA_BYTES + 1, 2**31, -1, 2**63):
        board.alter["model"] = changed(version=99, metadata=[0, size])
        asked = len(board.requests)
        with pytest.raises(ProtocolError, match="'metadata' must be"):
            device.model()
        assert len(board.requests) == asked + 1
    labels = ["a label"] * 1_000_000
    with pytest.raises(ModelFileError, match="metadata must have at most 1048576 bytes"):
        device.load_model(make_blob(metadata=adder_metadata(8, labels=labels)))


@pytest.mark.parametrize(
    "raw",
    [b"\x91" * 100_000, b"\x81\xa1a" * 300_000, b"\xdd\xff\xff\xff\xff"],
    ids=["lists", "maps", "length"],
)
def test_deep_and_broken_metadata_are_refused(connect: Connect, raw: bytes) -> None:
    _, device = connect()
    data = make_blob(metadata=adder_metadata(8, pad="x" * len(raw)))
    at, size = Blob.unpack(data).metadata_span
    board_bytes = data[:at] + raw + data[at + len(raw) :]
    with pytest.raises(ModelFileError, match="damaged"):
        device.load_model(board_bytes)
    assert size > len(raw)


def test_a_blob_that_the_board_runs_may_be_unreadable(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob(metadata=adder_metadata(8, labels=[1])))
    with pytest.raises(ProtocolError) as caught:
        device.model()
    assert str(caught.value).endswith(
        "'labels' must be a list of str; is [1]. The board runs this model, but the host cannot "
        "read it"
    )
    assert device.ls()[0].active


# ---- Results -------------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")
FOUND: Any = [
    (0.25, 0.25, 0.5, 0.5, 0.9, 0),
    (NAN, 0.25, 0.5, 0.5, 0.9, 0),
    (0.25, 0.25, 0.5, 0.5, NAN, 0),
    (0.5, 0.5, 0.25, 0.25, 0.8, 1),
    (-INF, -1e30, INF, 1e30, INF, -(2**31)),
]


def test_detections_have_boxes_in_order_within_the_picture() -> None:
    model = make_model(WireMap(REPLY, "model"), WireMap(adder_metadata(8), "metadata"))
    items = np.array(FOUND, DETECTION_DTYPE)
    data = np.array([len(items), 0, 0, 0], "<u4").tobytes() + items.tobytes()
    picture = Image.new("L", (40, 20))
    found = read_detections(data, model, Letterbox((40, 20), (40, 20)))
    assert [d.box for d in found] == [(10, 5, 20, 10), (10, 5, 20, 10), (0, 0, 40, 20)]
    assert [d.score for d in found] == [pytest.approx(0.9), pytest.approx(0.8), 1.0]
    assert Detections(found, picture, 0).draw().size == (40, 20)
    classes = np.array([(0, NAN), (1, 0.5), (2, INF)], CLASS_DTYPE)
    data = np.array([3, 0, 0, 0], "<u4").tobytes() + classes.tobytes()
    assert [c.score for c in read_classes(data, model)] == [0.5, 1.0]


SIDES = st.floats() | st.floats(-50, 50)


@given(
    st.tuples(SIDES, SIDES, SIDES, SIDES),
    st.text(),
    st.integers(-(2**31), 2**31 - 1),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_whatever_the_boxes_a_picture_can_be_drawn(
    box: Any, text: str, colour: int, size: tuple[int, int]
) -> None:
    assert draw_boxes(Image.new("RGB", size), [(box, text, colour)], [[box[:2]]]).size == size


# ---- Floods --------------------------------------------------------------------------------------


def test_events_that_nobody_fetches_take_bounded_memory() -> None:
    stream = EventStream((), 0.0, lambda _: None)
    for number in range(1000):
        stream.put(Event("t", None, number), 60_000)
    kept = list(stream)
    assert len(kept) * 60_000 <= 1 << 24
    assert stream.dropped + len(kept) == 1000
    assert kept[-1].number == 999


def test_numbers_of_events_are_bounded(connect: Connect) -> None:
    board, device = connect()
    with device.events(timeout_s=0.0) as stream:
        for number in (-1, 2**32, msgpack.ExtType(1, b"\x7f" * 4000)):
            board.send(encode_frame(msgpack.packb([2, "event", [number, "t", None]])))
        device.ping()
        assert list(stream) == []
        assert device.lost_events == 0
    assert device._session.link.counters.bad_messages == 3


def test_a_flood_of_text_takes_bounded_memory() -> None:
    console = Console()
    with console.capture() as printed:
        for _ in range(40):
            console.take(b"x" * (1 << 20))
        console.take(b"end")
        assert len(printed()) <= 1 << 24
        assert printed().endswith("end")
    for _ in range(4):
        console.take(b"x" * (1 << 19))
    assert len(console.read()) <= 1 << 20


# ---- Functions of a board ------------------------------------------------------------------------


def test_names_of_functions_are_attributes_or_nothing(connect: Connect) -> None:
    board, device = connect()
    names = [
        "call",
        "__class__",
        "_session",
        "a.b",
        "x\x1b[2J",
        "f\n",
        "",
        "n" * 2000,
        "ok",
        "class",
    ]
    for name in names:
        board.functions[name] = (lambda: 1, [], "doc \x1b]0;t\x07")
    assert {"ok", "class"} <= set(dir(device.rpc)) < set(names)
    assert repr(device.rpc).replace("\n", "").isprintable()
    assert device.rpc.ok() == 1
    assert device.rpc.ok.__doc__ == "doc \\x1b]0;t\\x07"
    assert type(device.rpc).__name__ == "Rpc"
    assert device.rpc.call("ok") == 1


@pytest.mark.parametrize(
    "params",
    [
        [["a", 1, 5]],
        [["a", 1, None]],
        [["a", 1, "1", "2"]],
        [["a", 9]],
        [["a b", 1]],
        [["a", 1], ["a", 1]],
        [5],
        [[]],
        [[b"a", 1]],
        [[msgpack.ExtType(1, b"\x7f" * 4000), 1]],
    ],
)
def test_signatures_are_read_or_refused(connect: Connect, params: Any) -> None:
    board, device = connect()
    board.functions["f"] = (lambda: 1, params, "")
    with pytest.raises(ProtocolError, match="rpc_list: params must be a signature"):
        repr(device.rpc)


def test_a_default_is_a_line(connect: Connect) -> None:
    board, device = connect()
    board.functions["f"] = (lambda: 1, [["a", 1, "\x1b[2J\n__import__('os')"]], "")
    assert repr(device.rpc) == "f(a=\\x1b[2J\\n__import__('os'))"
