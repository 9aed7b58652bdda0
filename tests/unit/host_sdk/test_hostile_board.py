"""Whatever a board answers, a call ends by a result or an error of the SDK."""

from __future__ import annotations

import contextlib
import copy
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import numpy as np
import pytest

from host_sdk import Device
from host_sdk.errors import ModelFileError, XipnetError
from host_sdk.link.framing import encode_frame
from host_sdk.link.messages import Reply
from host_sdk.transports.core import open_core
from tests.unit.host_sdk.blobs import adder_metadata, make_blob
from tests.unit.host_sdk.scripted_board import ScriptedBoard

PICTURE = np.zeros((20, 40), np.uint8)
HEADS = ((1, b"\1" + bytes(39)), (2, b"\1" + bytes(23)), (3, b"\2" + bytes(31)))
OPERATION_S = 60.0
ROUNDS = 12  # mutations of each method's reply in each operation


def picture_metadata() -> dict[str, Any]:
    metadata = adder_metadata(800, labels=["cat", "dog"], image={"mean": 1, "std": [2]})
    for values in (metadata["tensors"][0], metadata["inputs"][0]):
        values |= {"shape": [1, 20, 40, 1]}
    field = {"name": "f", "dtype": "float32", "offset": 0, "count": 2, "role": "points"}
    noses = {"item_bytes": 8, "fields": [field]}
    layer = {**metadata["tensors"][1], "op": "ADD", "macs": 3, "output": None}
    metadata["steps"][1]["layers"] = [layer, {**layer, "output": 1}]
    return {**metadata, "results": [None, None, None, noses]}


def picture_blob(fill: bytes = b"w", metadata: dict[str, Any] | None = None) -> bytes:
    described = picture_metadata() if metadata is None else metadata
    return make_blob(n=800, metadata=described, results=HEADS, fill=fill)


def hear_events(device: Device) -> None:
    with device.events(timeout_s=0.01) as stream:
        list(stream)


def upload(device: Device) -> object:
    return device.put("new.txt", random.Random(1).randbytes(5000))


OPERATIONS: dict[str, Callable[[Device], object]] = {
    "info": lambda d: (str(d.info()), d._repr_html_(), repr(d)),
    "ls": lambda d: repr(d.ls()),
    "get": lambda d: d.get("text"),
    "put": upload,
    "load": lambda d: d.load_model(picture_blob(b"v"), "b", confirm="manual"),
    "model": lambda d: repr(d.model()),
    "infer": lambda d: d.infer(np.zeros((1, 20, 40, 1), np.float32)),
    "infer_many": lambda d: list(d.infer_many([np.zeros((1, 20, 40, 1), np.int8)] * 3)),
    "detect": lambda d: d.detect(PICTURE)._repr_html_(),
    "classify": lambda d: d.classify(PICTURE)._repr_html_(),
    "head": lambda d: d.run_head(PICTURE),
    "profile": lambda d: d.profile()._repr_html_(),
    "trace": lambda d: repr(d.trace(reference="none")),
    "validate": lambda d: d.validate(np.zeros((3, 1, 20, 40, 1), np.int8), None, "none").to_html(),
    "history": lambda d: repr(d.history()),
    "trial": lambda d: repr(d.trial()),
    "rollback": lambda d: d.rollback("a"),
    "activate": lambda d: d.activate("a"),
    "rm": lambda d: d.rm("text"),
    "rpc": lambda d: (dir(d.rpc), repr(d.rpc), d.rpc._repr_html_()),
    "call": lambda d: d.rpc.call("f", (1,)),
    "eval": lambda d: d.eval("1 + 1"),
    "exec": lambda d: d.exec("print(1)"),
    "interrupt": lambda d: d.interrupt(),
    "events": hear_events,
    "trust": lambda d: repr(d.trust()),
    "lock": lambda d: repr(d.lock("warn", "gate", ["development"])),
    "attest": lambda d: repr(d.attest()),
}

ODD: list[Any] = [
    *(None, True, False, -1, 0, 1, 3, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63, -(2**63)),
    *(2**64 - 1, 0.5, float("nan"), float("inf"), 1e308, "", "x", "a/../b", "\x1b[2J\n\u202e"),
    *(b"", b"x", bytes(32), bytes(60000), [], [[]], {}, {"a": 1}, {1: {2: 3}}, "n" * 50000),
    *([None] * 300, [0] * 20000, [{}] * 20, [["f", None, "doc"]] * 5, [["f", [["a", 1]], ""]] * 5),
    *(msgpack.ExtType(1, b"\x7f" * 4000), msgpack.ExtType(9, b"x"), msgpack.ExtType(1, b"")),
    msgpack.ExtType(2, b"f\1\2\0\0\0" + bytes(8)),
    msgpack.ExtType(2, b"f\2\0\0\0\0\xff\xff\xff\xff"),
]
ERRORS: list[Any] = [
    *([-4, "m", None], [-80, "\x1b]0;t\x07", "a\n\x1b[2J"], [-64, "m", None], [-25, "m", None]),
    *(
        [-26, "m", None],
        [-66, "m", "d"],
        [7, "m", None],
        [-(2**40), "m", None],
        [-3, "m" * 60000, ""],
    ),
    *([msgpack.ExtType(1, b"\x7f" * 4000), "m", None], [-4, 5, None], [-4, "m"], [], 0, {}, "e"),
]


def mutated(value: Any, rng: random.Random) -> Any:
    """Replace one part of a value, take one away, or repeat the items of a list."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.15:
        return rng.choice(ODD)
    changed = copy.copy(value)
    keys = list(changed) if isinstance(changed, dict) else list(range(len(changed)))
    key = rng.choice(keys)
    draw = rng.random()
    if draw < 0.1:
        del changed[key]
    elif draw < 0.2 and isinstance(changed, list):
        changed *= rng.choice([2, 50])
    else:
        changed[key] = mutated(changed[key], rng)
    return changed


class Hostile:
    """A board that answers as it should, but for one method."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._method = ""
        self._rng = random.Random()
        self._always = False
        self.board = ScriptedBoard(flash_bytes=1 << 18, lockable=True)
        self.board.functions["f"] = (lambda x: x, [["x", 1]], "doc")
        self.board.give = self._give
        self.device = Device(self.board.transport)
        self.reset()

    def reset(self) -> None:
        """Let the board answer right, and hold what the operations need."""
        self._method = ""
        device = self.device
        device.put("text", b"text" * 300)
        device.load_model(picture_blob(), "a")
        device.load_model(picture_blob(b"u"), "a")
        self.seen.clear()

    def misbehave(self, method: str, seed: str) -> None:
        """From now on answer a method wrong: once, or each time."""
        self._rng = random.Random(seed)
        self._always = self._rng.random() < 0.3
        self._method = method

    def behave(self) -> None:
        """From now on answer right."""
        self._method = ""

    def close(self) -> None:
        self.device.close()
        self.board.close()

    def _give(self, reply: Reply) -> None:
        method = self.board._method(reply.id)
        self.seen.add(method)
        if method != self._method:
            self.board.pass_back(reply)
            return
        if not self._always:
            self._method = ""
        error, result = None, reply.result
        if self._rng.random() < 0.15:
            error, result = self._rng.choice(ERRORS), None
        else:
            result = mutated(result, self._rng)
        message = [1, reply.id, error, result]
        if self._rng.random() < 0.05:
            message = message[: self._rng.choice([2, 3])]
        self.board.send(encode_frame(msgpack.packb(message, default=list)))


@pytest.fixture(scope="module")
def hostile() -> Iterator[list[Hostile]]:
    made: list[Hostile] = []
    yield made
    for one in made:
        one.close()


def misbehaving(made: list[Hostile]) -> Hostile:
    """Give a board that answers right so far: the last one, if it is well."""
    if made:
        with contextlib.suppress(XipnetError):
            made[-1].device.ping(1)
            made[-1].reset()
            return made[-1]
        made.pop().close()
    made.append(Hostile())
    return made[-1]


def provoke(made: list[Hostile], name: str, rounds: int) -> int:
    """Answer each method that an operation uses wrong; count the tries."""
    one = misbehaving(made)
    OPERATIONS[name](one.device)
    methods = sorted(one.seen)
    assert methods
    for method in methods:
        for i in range(rounds):
            one = misbehaving(made)
            one.misbehave(method, f"{name} {method} {i}")
            began = time.monotonic()
            try:
                OPERATIONS[name](one.device)
            except XipnetError as error:
                _assert_harmless(str(error))
            except Exception as error:
                raise AssertionError(f"{name}: {method} {i}: {error!r}") from error
            assert time.monotonic() - began < OPERATION_S, (method, i)
            one.behave()
    return len(methods) * rounds


def _assert_harmless(text: str) -> None:
    assert text.replace("\n", "").replace("\t", "").isprintable(), text
    assert len(text) < 70_000


def fail_by_metadata(rounds: int, seed: str) -> int:
    """Use models with mutated metadata; count what could be used."""
    rng, read = random.Random(seed), 0
    with Device(open_core()) as device:
        for i in range(rounds):
            metadata = mutated(picture_metadata(), rng)
            if not isinstance(metadata, dict):
                continue
            try:
                device.load_model(picture_blob(metadata=metadata), "a")
            except ModelFileError:  # no map with names alone, or too long
                continue
            for name in ("model", "infer", "detect", "classify", "head", "profile", "trace"):
                try:
                    OPERATIONS[name](device)
                    read += 1
                except XipnetError as error:
                    _assert_harmless(str(error))
                except Exception as error:
                    raise AssertionError(f"{name} {i} of {metadata}: {error!r}") from error
    return read


def test_errors_stay_short_whatever_a_model_has() -> None:
    metadata = picture_metadata()
    metadata["inputs"] = metadata["inputs"] * 10_000
    with Device(open_core()) as device:
        device.load_model(picture_blob(metadata=metadata), "a")
        for name in ("infer", "detect"):
            with pytest.raises(XipnetError) as raised:
                OPERATIONS[name](device)
            assert len(str(raised.value)) < 1000
        with pytest.raises(XipnetError) as raised:
            device.infer({"y": 1})
        assert len(str(raised.value)) < 1000
        assert len(repr(device.model())) < 1000


def test_wrong_metadata_end_in_typed_errors() -> None:
    assert fail_by_metadata(60, "quick") > 60


@pytest.mark.proof("fuzz")
@pytest.mark.parametrize("name", OPERATIONS)
def test_many_wrong_answers_end_in_typed_errors(hostile: list[Hostile], name: str) -> None:
    assert provoke(hostile, name, 400) >= 400


@pytest.mark.proof("fuzz")
def test_many_wrong_metadata_end_in_typed_errors() -> None:
    assert fail_by_metadata(3000, "many") > 3000


@pytest.mark.heavy
@pytest.mark.few(14)
@pytest.mark.parametrize("name", OPERATIONS)
def test_wrong_answers_end_in_typed_errors(hostile: list[Hostile], name: str) -> None:
    assert provoke(hostile, name, ROUNDS) >= ROUNDS
