"""A board made of Python behind a `MemoryTransport`: docs/SPEC-wire.md, with faults on order.

Its model "adds" has one int8 input [1, n] and gives input + 1; other entries give canned results.
"""

from __future__ import annotations

import random
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgpack

from host_sdk.errors import PortClosedError
from host_sdk.link.framing import Body, Decoder, Text, encode_frame
from host_sdk.link.messages import Failure, Notification, Reply, Request, unpack
from host_sdk.transports import MemoryTransport
from tests.unit.host_sdk.fake_store import SECTOR, FakeStore, Refused

BOOT = {
    "cause": 0,
    "resets": 0,
    "fault_step": -1,
    "pc": 0,
    "address": 0xFFFFFFFF,
    "cfsr": 0,
    "hfsr": 0,
}
# The methods that answer late, and the lane in which one is at work at a time.
LATE = {"exec": "sources", "eval": "sources", "call": "calls", "rpc_list": "calls"}
DONE = Reply(0, None)


@dataclass
class Noise:
    """How often something goes wrong on the wire, 0..1; repeatable."""

    drop: float = 0.0
    corrupt: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    random: random.Random = field(default_factory=lambda: random.Random(1))
    _late: list[bytes] = field(default_factory=list)

    def spoil(self, frame: bytes) -> list[bytes]:
        """What arrives in the place of a frame, and of one before that was held up."""
        late, self._late = self._late, []
        now = self._spoil(frame)
        if self.random.random() < self.reorder:
            self._late, now = now, []
        return now + late

    def _spoil(self, frame: bytes) -> list[bytes]:
        r = self.random
        if r.random() < self.drop:
            return []
        if r.random() < self.corrupt:
            at = r.randrange(len(frame))
            frame = frame[:at] + bytes([frame[at] ^ (1 << r.randrange(8))]) + frame[at + 1 :]
        return [frame, frame] if r.random() < self.duplicate else [frame]


class FakeBoard(FakeStore):
    """Answers requests in its own thread.

    Args:
        metadata: of the model that `model` tells of.
        results: (kind, bytes) of entries 1 and up.
        noise: spoils frames both ways.
    """

    def __init__(
        self,
        metadata: dict[str, Any] | None = None,
        results: tuple[tuple[int, bytes], ...] = (),
        noise: Noise | None = None,
        frame: int = 1024,
        capacity: int = 1 << 20,
    ) -> None:
        super().__init__(capacity)
        self.transport, self._wire = MemoryTransport.pair()
        self.metadata = msgpack.packb(metadata or adder_metadata(8))
        self.results = results
        self.noise = noise or Noise()
        self._noise_back = replace(self.noise)
        self.frame = frame
        self.hello_changes: dict[str, Any] = {}
        self.executed: list[tuple[int, str]] = []
        self.typed = b""
        self.silent = False
        self.has_session = False
        self.on_exec: Callable[[str], None] = self.print
        self.clock_us = 2**32 - 3000
        self.wrong_step = -1  # the step that computes nonsense
        self.functions: dict[str, tuple[Callable[..., Any], list[Any] | None, str]] = {}
        self.emitted: int | None = None  # None: nobody asked for events
        self._boot = BOOT
        self._boots = 0
        self._inputs: dict[int, bytearray] = {}
        self._out = b""
        self._request_id = 0  # of the last request that is answered in order
        self._ran: int | None = None  # the run whose result is there
        self._replies: dict[int, Reply] = {}
        self._lanes: dict[str, tuple[int, Reply | None]] = {}  # the last request; None: at work
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def print(self, text: str) -> None:
        """Sends text."""
        self._put(text.encode())

    def emit(self, topic: str, value: Any, *, lose: bool = False) -> None:
        """As `xipnet.emit`; or as an event that the line loses."""
        if self.emitted is not None:
            event = Notification("event", (self.emitted, topic, value))
            self.emitted += 1
            if not lose:
                self._put(encode_frame(event.pack()))

    def boot(self, *, lose: bool = False, **changes: int) -> None:
        """Restarts: everything but the store is forgotten; the line may lose the notification."""
        self.emitted = None
        self.has_session = False
        self._replies.clear()
        self._lanes.clear()
        self.restart()
        self._boot = {**BOOT, **changes}
        self._boots += 1
        if not lose:
            self._tell_boot()

    def _tell_boot(self) -> None:
        self._put(encode_frame(Notification("boot", (self._boot,)).pack()))

    def close(self) -> None:
        """Unplugs the board."""
        self._wire.close()
        self._thread.join()

    def _put(self, data: bytes) -> None:
        with self._sending:
            self._wire.write(data)

    def _serve(self) -> None:
        decoder = Decoder()
        while True:
            try:
                data = self._wire.read(1.0)
                for part in decoder.feed(data, time.monotonic()):
                    match part:
                        case Text(text):
                            self.typed += text
                        case Body(body):
                            for frame in self.noise.spoil(encode_frame(body)):
                                self._frame(frame)
            except PortClosedError:
                return

    def _frame(self, frame: bytes) -> None:
        for part in Decoder().feed(frame, 0.0):
            if isinstance(part, Body):
                request = unpack(part.data)
                assert isinstance(request, Request)
                if not self.silent:
                    self._take(request)

    def _take(self, request: Request) -> None:
        if not self.has_session and request.method != "hello":
            self._tell_boot()
        elif (known := dict(self._lanes.values())).keys() & {request.id}:
            if (reply := known[request.id]) is not None:
                self._reply(reply)
        elif request.id in self._replies:
            self._reply(self._replies[request.id])
        elif request.method not in LATE:
            self._answer(request)
        elif self._lanes.get(LATE[request.method], (0, DONE))[1] is None:
            self._reply(Reply(request.id, Failure(-5, "the service is at work")))
        else:
            self._lanes[LATE[request.method]] = request.id, None
            threading.Thread(target=self._answer, args=(request,), daemon=True).start()

    def _answer(self, request: Request) -> None:
        self.executed.append((request.id, request.method))
        boots = self._boots
        if request.method not in LATE:
            self._request_id = request.id
        try:
            result = getattr(self, f"do_{request.method}")(*request.params)
            reply = Reply(request.id, None, result)
        except Refused as refused:
            reply = Reply(request.id, refused.failure)
        except (TypeError, AttributeError) as error:
            reply = Reply(request.id, Failure(-4, str(error)))
        if self._boots != boots:
            return
        if len(reply.pack()) <= 192:
            self._replies[request.id] = reply
            while len(self._replies) > 24:
                del self._replies[next(iter(self._replies))]
        if request.method in LATE:
            self._lanes[LATE[request.method]] = request.id, reply
        self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        try:
            with self._sending:
                for frame in self._noise_back.spoil(encode_frame(reply.pack())):
                    self._wire.write(frame)
        except PortClosedError:
            pass

    # ---- Methods ---------------------------------------------------------------------------------

    def do_hello(self, nonce: int) -> dict[str, Any]:
        self.has_session = True
        free = self.capacity - sum(len(o["data"]) for o in self.store.values())
        hello = {
            "protocol": [1, 0],
            "firmware": "0.1.0",
            "micropython": "1.25.0",
            "board": "fake",
            "cpu": "cortex-m55",
            "family": 1,
            "level": 81,
            "features": 31,
            "frame": self.frame,
            "window": 4,
            "pack": 99,  # a packing of some later time: the host sends bytes as they are
            "flash": {"size": self.capacity, "sector": SECTOR, "free": free},
            "arena": 65536,
            "stack": 4096,
            "boot": self._boot,
            "methods": [m[3:] for m in dir(self) if m.startswith("do_")],
            "news": "from a later version",
        }
        return {**hello, **self.hello_changes}

    def do_ping(self, x: Any) -> Any:
        return x

    def do_reset(self) -> None:
        threading.Timer(0.02, lambda: self.boot(cause=1, resets=1)).start()

    def do_get(self, name: str, offset: int, size: int) -> bytes:
        return self.metadata[offset : offset + size]

    def do_model(self) -> dict[str, Any]:
        if not self.active:
            raise Refused(-60, "no model is active")
        kinds = [0, *(kind for kind, _ in self.results)]
        return {
            "name": self.active,
            "version": self.store.get(self.active, {"version": 1})["version"],
            "sha256": bytes(32),
            "arena": 100,
            "stack": 50,
            "steps": 2,
            "inputs": [],
            "outputs": [],
            "entries": [{"result": k, "size": 0} for k in kinds],
            "metadata": [0, len(self.metadata)],
        }

    def do_in_write(self, index: int, offset: int, data: bytes) -> None:
        self._ran = None
        have = self._inputs.setdefault(index, bytearray())
        have.extend(bytes(max(offset + len(data) - len(have), 0)))
        have[offset : offset + len(data)] = data

    def do_run(
        self,
        entry: int = 0,
        inputs: list[bytes] | None = None,
        profile: bool = False,
        check: int = 0,
    ) -> dict[str, Any]:
        if check and zlib.crc32(self._inputs[0]) != check:
            raise Refused(-64, "inputs are not those that the host wrote")
        for i, data in enumerate(inputs or ()):
            self._inputs[i] = bytearray(data)
        self._out = bytes((b + 1) & 255 for b in self._inputs[0])
        if check:
            self._inputs[0].reverse()  # the arena is used for other things, too
        self._ran = self._request_id
        if entry:
            self._out = self.results[entry - 1][1]
        fits = len(self._out) < self.frame - 64
        self.clock_us += 2000
        return {
            "at": self.clock_us % 2**32,
            "us": 1500,
            "size": len(self._out),
            "result": self._out if fits else None,
            "steps": [1000, 500] if profile else None,
        }

    def do_out_read(self, offset: int, size: int, run: int | None = None) -> bytes:
        if run is not None and run != self._ran:
            raise Refused(-65, "the result of that run is not there any more")
        return self._out[offset : offset + size]

    def do_run_steps(self, entry: int, first: int, count: int) -> None:
        if entry > len(self.results):
            raise Refused(-62, "model has no such entry")
        if first + count > 2:
            raise Refused(-23, "offset or length lies outside")
        for step in range(first, first + count):
            if step == 1:
                self._out = bytes((b + 1) & 255 for b in self._inputs[0])
            if step == self.wrong_step:
                self._out = bytes(len(self._inputs[0]))

    def do_arena_read(self, offset: int, size: int) -> bytes:
        if offset + size > max(len(self._out), 100):
            raise Refused(-23, "offset or length lies outside")
        return self._out[offset : offset + size]

    def do_exec(self, source: str) -> None:
        self.on_exec(source)

    def do_eval(self, source: str) -> Any:
        return eval(source, {})

    def do_rpc_list(self, first: int = 0) -> list[Any]:
        told = [[name, params, doc] for name, (_, params, doc) in self.functions.items()]
        return told[first : first + 2]

    def do_call(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if name not in self.functions:
            raise Refused(-3, f"no rpc function is registered as {name}")
        return self.functions[name][0](*args, **kwargs)

    def do_events(self, on: bool = True) -> None:
        self.emitted = 0 if on else None

    def do_interrupt(self) -> None:
        self.print("^C")


def adder_metadata(n: int, **more: Any) -> dict[str, Any]:
    """Metadata of a model with one int8 input and output [1, n], scale 0.5, zero point 3."""
    tensor = {"shape": [1, n], "dtype": "int8", "scale": 0.5, "zero_point": 3, "offset": 0}
    steps = [{"name": name, "op": "ADD", "macs": 10, "weights": 0, "outputs": [1]} for name in "ab"]
    return {
        "name": "adds",
        "tool": "test",
        "tensors": [{"name": "x", **tensor}, {"name": "y", **tensor}],
        "inputs": [0],
        "outputs": [1],
        "steps": steps,
        **more,
    }
