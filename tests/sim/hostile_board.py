"""A virtual board that hears hostile requests, and must be well after each batch."""

from __future__ import annotations

import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgpack

from tests.sim.hostile_requests import BLOB, DATA, GOOD, NAMES, Item, Request, batch, pack
from tests.sim.machine import Machine, RefusedError

T = TypeVar("T")

BATCH = 40
GROUP = 6  # requests under way, less than the board's window
KEPT = bytes(range(256)) * 5
ASKED = 1  # a boot's cause
SAME = "import xipnet\nxipnet.rpc(lambda *args, **kwargs: [args, kwargs], 'same')"
RESET, BEGIN = pack("reset"), pack("put_begin")
E_METHOD, E_BUSY, E_INTERRUPTED, E_RESTARTED = -3, -5, -81, -82
PATIENCE_S = 120.0
AGAIN_S = 2.0
BATCHES_BEFORE = 8  # that a failure may need, too


class UnwellError(Exception):
    """The board is not as it must be."""


class HostileMachine(Machine):
    """A board under attack.

    Attributes:
        heard: how many requests were answered by each code; 0: by a result.
        restarts: of the board, asked for.
        session: the upload that began last.
    """

    wait_s = PATIENCE_S

    def __init__(self, board: str, flash: Path) -> None:
        super().__init__(board, flash)
        self.again_s = AGAIN_S
        self.heard: Counter[int] = Counter()
        self.restarts = 0
        self.session = 0
        self.boot()
        self.put("kept", DATA, KEPT)
        self.put("net", BLOB, GOOD[0], activate=True)
        self.call("exec", SAME)
        self._good = 0
        self._boots: int = self.call("hello", 1)["boot"]["resets"]

    def attack(self, items: Sequence[Item]) -> None:
        """Send requests; then all must be well.

        Raises:
            UnwellError: it is not.
        """
        may_restart = any(isinstance(i, Request) and i.method == RESET for i in items)
        try:
            for at in range(0, len(items), GROUP):
                sent = [self._send(item) for item in items[at : at + GROUP]]
                self._wait(may_restart)
                for number in sent:
                    self._count(number)
            self._check(may_restart)
        except (AssertionError, EOFError, RefusedError) as error:
            raise UnwellError(repr(error)) from error

    def _send(self, item: Item) -> int:
        if isinstance(item, bytes):
            self.write(item)
            return 0
        self._id += 1
        self.write(item.frame(self._id, self.session))
        return -self._id if item.method == BEGIN else self._id

    def _count(self, number: int) -> None:
        if abs(number) not in self._replies:
            return
        error, result = self._replies.pop(abs(number))
        self.heard[error[0] if error else 0] += 1
        if number < 0 and not error:
            self.session = result["session"]

    def _wait(self, may_restart: bool) -> None:
        """Wait until all that was sent is done, or was ended by a restart."""
        number = self.request("trial")
        while number not in self._replies:
            if self.notes_of_boot():
                assert may_restart, "the board has restarted"
                number = self.request("trial")
            self._await(number)
        self._replies.pop(number)

    def notes_of_boot(self) -> bool:
        """Whether the board told that it had started; its notes are taken."""
        told = any(topic == "boot" for topic, _ in self.notes)
        self.notes.clear()
        return told

    def _await(self, number: int) -> None:
        """Pump until there is a reply, or a note of a start."""
        deadline, again = time.monotonic() + self.wait_s, time.monotonic() + self.again_s
        while number not in self._replies and not any(t == "boot" for t, _ in self.notes):
            assert time.monotonic() < deadline, "no reply"
            if time.monotonic() > again:
                self.write(self._sent[number])
                again += self.again_s
            self.pump()
            self.text = b""

    # ---- What must hold --------------------------------------------------------------------------

    def _check(self, may_restart: bool) -> None:
        told = self.call("hello", 1)
        self._replies.clear()
        boots = told["boot"]["resets"]
        if boots != self._boots:
            assert may_restart, told["boot"]
            assert told["boot"]["cause"] == ASKED, told["boot"]
            self.restarts += 1
            self._boots = boots
        self.notes.clear()
        assert self.call("ping", [1, "x"]) == [1, "x"]
        assert told["troubles"] == [], told["troubles"]
        assert told["log"] == {"lost": 0, "unclear": 0, "mended": 0, "formats": 0}, told["log"]
        self._check_python()
        self._check_store()
        self._check_model()

    def _check_python(self) -> None:
        deadline = time.monotonic() + self.wait_s
        while not self._runs_python():
            assert time.monotonic() < deadline, "Python does not run"

    def _runs_python(self) -> bool:
        self.call("interrupt")
        try:
            assert self.call("eval", "6 * 7") == 42
            self.call("exec", SAME)
            assert self.call("call", "same", [1], {}) == [[1], {}]
        except RefusedError as refusal:  # what ran before is about to end, or Python begins again
            if refusal.args[0] in (E_METHOD, E_BUSY, E_INTERRUPTED, E_RESTARTED):
                return False
            raise
        return True

    def _check_store(self) -> None:
        objects: list[Any] = []
        while part := self.call("ls", len(objects)):
            objects += part
        for one in objects:
            self.call("get", one["name"], 0, 0)  # compares its bytes with its SHA-256
            if one["name"] not in (*NAMES, "kept"):
                self.call("rm", one["name"])
        assert self.call("get", "kept", 0, len(KEPT)) == KEPT
        held = self.call("held")
        assert all(1 <= len(one["name"]) <= 39 for one in held), held

    def _check_model(self) -> None:
        self._good = 1 - self._good
        told = self.put("net", BLOB, GOOD[self._good], activate=True)
        assert told["active"], told
        result = self.call("run", 0, [b"\x20"])["result"]
        assert result == bytes([0x21 + self._good]), result

    # ---- Replies that no program can read --------------------------------------------------------

    def _deliver(self, data: bytes) -> None:
        body, check = data[:-4], int.from_bytes(data[-4:], "little")
        assert zlib.crc32(body) == check
        head = msgpack.Unpacker(strict_map_key=False)
        head.feed(body)
        head.read_array_header()
        if head.unpack() != 1:
            super()._deliver(data)
            return
        number = head.unpack()
        try:
            error, result = head.unpack(), head.unpack()
        except (ValueError, TypeError, msgpack.UnpackException):  # an echo of odd bytes
            error, result = None, None
        self._replies[number] = (error, result)


# ---- A run of many batches -----------------------------------------------------------------------


def hostile_run(board: str, folder: Path, seed: str, requests: int) -> str:
    """Attack a board; say what came of it, in one line.

    Args:
        board: which.
        folder: for its flash.
        seed: the same gives the same requests.
        requests: how many.

    Raises:
        AssertionError: names the fewest requests that do the harm, as far as that was found.
    """
    sent, number, before = 0, 0, list[list[Item]]()
    with HostileMachine(board, folder / "flash") as machine:
        while sent < requests:
            items = batch(f"{seed} {number}", BATCH)[: requests - sent]
            try:
                machine.attack(items)
            except UnwellError as error:
                shown = "\n".join(map(repr, fewest(board, [*before, items])))
                text = f"{board}, seed {seed!r}, batch {number}: {error}\n{shown}"
                raise AssertionError(text) from error
            sent += sum(isinstance(item, Request) for item in items)
            number += 1
            before = [*before, items][-BATCHES_BEFORE:]
        done = machine.heard[0]
        answered = machine.heard.total()
        return (
            f"{board}: {sent:,} requests, {answered:,} answered, {done:,} of these by a result,"
            f" {machine.restarts:,} restarts asked for"
        )


def fewest(board: str, batches: Sequence[Sequence[Item]]) -> list[Item]:
    """Find few requests that do the harm to a new board, too.

    Args:
        board: which.
        batches: the last of them did it, perhaps with those before.
    """

    def fails(items: Sequence[Item]) -> bool:
        with (
            tempfile.TemporaryDirectory() as folder,
            HostileMachine(board, Path(folder) / "flash") as machine,
        ):
            try:
                machine.attack(items)
            except UnwellError:
                return True
            return False

    for some in (batches[-1:], batches):
        items = [item for one in some for item in one]
        if fails(items):
            return smallest(items, fails)
    return [b"these requests do no harm to a new board"]


def smallest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Leave out what a failure does not need: first halves, at last single items.

    Args:
        items: fail.
        fails: says whether some do.
    """
    kept, size = list(items), len(items) // 2
    while size >= 1:
        at = 0
        while at < len(kept):
            rest = kept[:at] + kept[at + size :]
            if rest and fails(rest):
                kept = rest
            else:
                at += size
        size //= 2
    return kept
