"""A session with a board: `hello`, again after each restart, and calls."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from host_sdk.errors import (
    DeviceResetError,
    NoResponseError,
    ProtocolError,
    ProtocolVersionError,
)
from host_sdk.link.board_info import BoardInfo, BootReport, read_protocol
from host_sdk.link.link import DEFAULT_TIMEOUT_S, Link
from host_sdk.link.request import PendingRequest
from host_sdk.link.stock_prompt import StockPrompt
from host_sdk.link.values import Value, brief
from host_sdk.transports.base import Transport

PROTOCOL = (1, 0)

_PROMPT_AFTER_S = 3.0  # without an answer
_LOOK_S = 0.1
_PIECE_UNIT_BYTES = 256
_REQUEST_OVERHEAD_BYTES = 128  # of a message around its piece, at most


class Session:
    """Calls of the board's methods; thread-safe.

    Args:
        transport: moves the bytes; closed with the session.
        on_text: called with text from the board, in the reader's thread.
        timeout_s: how long a board may take to answer when the session is opened.
        clock: seconds, never going back.

    Attributes:
        on_reboot: called in a thread of its own when the board has restarted.
        started_serving: the prompt of another MicroPython was there, and was told to serve.

    Raises:
        NoResponseError: nothing answers.
        NoModuleError: the prompt of a MicroPython without our module answers.
        ProtocolVersionError: the board speaks another major version.
    """

    def __init__(
        self,
        transport: Transport,
        on_text: Callable[[bytes], None],
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._nonce = secrets.randbits(32)
        self._opening = threading.RLock()
        self._boots = 0
        self._booted = threading.Condition()
        self._stale = False  # the board has restarted since the session was opened
        self._booted_s = 0.0
        self.on_reboot: Callable[[], None] | None = None
        self.started_serving = False
        # A board that was reset by the opening of its port says so before this line is done.
        prompt = StockPrompt()
        opening = True

        def take(text: bytes) -> None:
            on_text(text)
            if opening:
                prompt.take(text)

        self.link = Link(transport, take, self._on_boot, clock)
        try:
            self._info = self._first_hello(prompt)
        except BaseException:
            self.link.close()
            raise
        opening = False

    @property
    def info(self) -> BoardInfo:
        """What the board said when the session was opened."""
        return self._info

    def call(
        self, method: str, *params: Value, timeout_s: float | None = DEFAULT_TIMEOUT_S
    ) -> Value:
        """Call a method and wait for its result; see `Link.request`."""
        self._reopen()
        return self.link.request(method, *params, timeout_s=timeout_s)

    def submit(
        self, method: str, *params: Value, timeout_s: float | None = DEFAULT_TIMEOUT_S
    ) -> PendingRequest:
        """Start a call; `wait` gives its result."""
        self._reopen()
        return self.link.submit(method, *params, timeout_s=timeout_s)

    def wait(self, pending: PendingRequest) -> Value:
        """Return the result of a started call."""
        return self.link.wait(pending)

    def stream(self, method: str, calls: Iterable[tuple[Value, ...]]) -> Iterator[Value]:
        """Call a method many times; see `stream_calls`.

        Args:
            method: its name.
            calls: parameters of each call.
        """
        return self.stream_calls((method, params) for params in calls)

    def stream_calls(self, calls: Iterable[tuple[str, tuple[Value, ...]]]) -> Iterator[Value]:
        """Make many calls, as many under way at once as the link allows.

        Args:
            calls: method and parameters of each call.

        Yields:
            The results, in order.
        """
        self._reopen()
        under_way: deque[PendingRequest] = deque()
        for method, params in calls:
            if len(under_way) == self.link.window.size:
                yield self.link.wait(under_way.popleft())
            under_way.append(self.link.submit(method, *params))
        for pending in under_way:
            yield self.link.wait(pending)

    def refresh(self) -> BoardInfo:
        """Open the session again and return what the board says of itself now."""
        with self._opening:
            self._info = self._hello()
            return self._info

    def restart(self, timeout_s: float, safe: bool = False) -> BootReport:
        """Restart the board and open a new session.

        Args:
            safe: its scripts are not run.
            timeout_s: for the board to be there again.
        """
        self._reopen()
        before, opened = self._boots, self.link.reopened
        with contextlib.suppress(DeviceResetError):
            self.link.request("reset", *([True] if safe else []), timeout_s=timeout_s)
        for _ in range(max(1, round(timeout_s / _LOOK_S))):
            with self._booted:
                if self._booted.wait_for(lambda: self._boots != before, _LOOK_S):
                    break
            if self.link.reopened != opened:
                # Its port went with it, and nobody heard what it said at its start.
                with contextlib.suppress(DeviceResetError):
                    self.link.request("ping", None, timeout_s=timeout_s)
                break
        return self.refresh().boot

    def close(self) -> None:
        """End the session and free the port."""
        self.link.close()

    def _on_boot(self, boot: BootReport) -> None:
        with self._booted:
            is_news = not self._stale  # else it was told again, to requests that were under way
            self._boots += 1
            self._stale = True
            self._booted_s = self._clock()
            self._booted.notify_all()
        if is_news and self.on_reboot is not None:  # not here: the reader must not wait for replies
            threading.Thread(target=self.on_reboot, name="xipnet-reboot", daemon=True).start()

    def _reopen(self) -> None:
        if not self._stale:
            return
        with self._opening:
            while self._stale:
                self._info = self._hello()

    def _first_hello(self, prompt: StockPrompt) -> BoardInfo:
        """Open the session; between two tries look whether another MicroPython is there."""
        first_s = min(self._timeout_s, _PROMPT_AFTER_S)
        try:
            return self._hello(first_s)
        except NoResponseError:
            self.started_serving = prompt.start_serving(self.link)
            if self._timeout_s <= first_s and not self.started_serving:
                raise
        return self._hello()

    def _hello(self, timeout_s: float | None = None) -> BoardInfo:
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        hello = self.link.submit("hello", self._nonce, timeout_s=wait_s)
        result = self.link.wait(hello)
        with self._booted:
            self._stale = self._booted_s > hello.done_s  # it was before the restart
        seen = read_protocol(result)
        if seen[0] != PROTOCOL[0]:
            raise ProtocolVersionError(seen, PROTOCOL)
        info = BoardInfo.read(result)
        self.link.window.max_body_bytes = info.frame_bytes
        self.link.window.size = max(1, info.window - 1)  # one stays free for the link's probe
        return info


def read_pieces(
    session: Session, method: str, total: int, call: Callable[[int, int], tuple[Value, ...]]
) -> bytes:
    """Read bytes in pieces, several requests under way at once.

    Args:
        session: with the board.
        method: gives a piece.
        total: bytes to read.
        call: gives the parameters for (offset, size) of a piece.

    Raises:
        ProtocolError: a piece is not as long as was asked for.
    """
    sizes: list[int] = []

    def calls() -> Iterator[tuple[Value, ...]]:
        for at, size in pieces(session, total):
            sizes.append(size)
            yield call(at, size)

    data = bytearray()
    for index, piece in enumerate(session.stream(method, calls())):
        if not isinstance(piece, bytes) or len(piece) != sizes[index]:
            raise ProtocolError(f"{method}: must give {sizes[index]} bytes; gave {brief(piece)}")
        data += piece
    return bytes(data)


def largest_piece(session: Session) -> int:
    """Return the longest piece that is good for the line now, a multiple of 256."""
    room = session.info.frame_bytes - _REQUEST_OVERHEAD_BYTES
    return session.link.estimator.piece_bytes(room // _PIECE_UNIT_BYTES * _PIECE_UNIT_BYTES)


def pieces(session: Session, total: int) -> Iterator[tuple[int, int]]:
    """Cut data into pieces, each as long as is best for the line at that time.

    Args:
        session: with the board.
        total: bytes of the data.

    Yields:
        (offset, size) of each piece; all but the last are a multiple of 256 long.
    """
    at = 0
    while at < total:
        size = min(largest_piece(session), total - at)
        yield at, size
        at += size
