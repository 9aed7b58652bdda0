"""An emulated wire: it is as slow as a UART and has repeatable noise.

    sim://cortex-m55?baud=115200&ber=1e-5
    socket://HOST:PORT?baud=921600&drop=0.01&seed=7

| option | meaning, both directions alike |
|---|---|
| `baud=115200` | bits per second; a byte takes ten. Without it, bytes take no time |
| `ber=1e-5` | share of the bits that arrive flipped, 0 to 0.1 |
| `drop=0.01` | share of the frames that vanish, 0 to 0.9 |
| `dup=0.01` | share of the frames that arrive twice, 0 to 0.9 |
| `limit=500000` | the wire garbles all at a higher baud rate, as a bad cable does |
| `seed=1` | the same seed corrupts the same bytes |
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from host_sdk.errors import PortClosedError, PortNotFoundError
from host_sdk.transports.base import Transport

_OPTIONS = ("baud", "ber", "drop", "dup", "limit", "seed")
_BITS = 10  # start, eight, stop
_BUFFER_BYTES = 1024  # written, and not yet on the wire
_STEP_S = 0.002  # bytes arrive in steps of so long
_POLL_S = 0.05


@dataclass(frozen=True)
class WireOptions:
    """The options of a wire; see the module.

    Attributes:
        baud: bits per second; 0: no time passes.
        ber: share of flipped bits.
        drop: share of frames lost.
        dup: share of frames doubled.
        limit: highest baud rate; 0: none.
        seed: of the faults.
    """

    baud: int = 0
    ber: float = 0.0
    drop: float = 0.0
    dup: float = 0.0
    limit: int = 0
    seed: int = 1


def split_wire(url: str) -> tuple[str, WireOptions | None]:
    """Take the wire's options out of a URL.

    Args:
        url: of a port.

    Returns:
        The URL without them, and the options; None if there are none.

    Raises:
        PortNotFoundError: an option has a wrong value.
    """
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    mine = {key: value for key, value in pairs if key in _OPTIONS}
    if not mine:
        return url, None
    rest = urlencode([p for p in pairs if p[0] not in _OPTIONS], safe="/:~")
    return urlunsplit(parts._replace(query=rest)), _options(url, mine)


def _options(url: str, given: dict[str, str]) -> WireOptions:
    try:
        options = WireOptions(
            baud=int(given.get("baud", "0")),
            ber=float(given.get("ber", "0")),
            drop=float(given.get("drop", "0")),
            dup=float(given.get("dup", "0")),
            limit=int(given.get("limit", "0")),
            seed=int(given.get("seed", "1")),
        )
    except ValueError as error:
        raise PortNotFoundError(f"{url}: {error}") from error
    rates_fit = 0 <= options.ber <= 0.1 and 0 <= options.drop <= 0.9 and 0 <= options.dup <= 0.9
    if not rates_fit or options.baud < 0 or options.limit < 0:
        raise PortNotFoundError(
            f"{url}: ber must be in [0, 0.1], drop and dup in [0, 0.9], baud and limit not negative"
        )
    return options


@dataclass(frozen=True)
class _Piece:
    """Bytes up to a 00, the last byte if there is one; or what came of it so far.

    Attributes:
        data: the bytes.
        in_frame: they belong to a frame; the 00 that opens it belongs to the text before.
        opens: their last byte opens a frame.
        ends: their last byte ends it.
    """

    data: bytes
    in_frame: bool
    opens: bool
    ends: bool


class _Splitter:
    """A division of a sender's clean stream into text and frames."""

    def __init__(self) -> None:
        self._in_frame = False
        self._used = 0

    def split(self, data: bytes) -> Iterator[_Piece]:
        """Split the data."""
        head, *rest = data.split(b"\0")
        for piece in [head, *rest[:-1]] if rest else []:
            self._used += len(piece)
            was_in_frame = self._in_frame
            ends = was_in_frame and self._used > 0
            self._in_frame, self._used = not ends, 0
            yield _Piece(piece + b"\0", was_in_frame, not was_in_frame, ends)
        last = rest[-1] if rest else head
        if last:
            self._used += len(last)
            yield _Piece(last, self._in_frame, False, False)


class _Faults:
    """Faults in one direction's bytes.

    Each kind of fault draws from a generator of its own: what it corrupts depends on the
    bytes alone, not on when they were written and read.
    """

    def __init__(self, options: WireOptions, salt: str) -> None:
        self._options = options
        self._of_dup, self._of_drop, self._of_flips, self._of_garbage = (
            random.Random(f"{options.seed} {salt} {kind}") for kind in range(4)
        )
        self._doubling = _Splitter()
        self._dropping = _Splitter()
        self._frame = b""
        self._is_lost = False
        self._good_bits = self._next_flip()

    def before(self, data: bytes) -> bytes:
        """Return what goes on the wire: doubled frames take time, too."""
        if self._options.dup == 0:
            return data
        out = bytearray()
        for piece in self._doubling.split(data):
            out += piece.data
            if piece.in_frame:
                self._frame += piece.data
            if piece.ends:
                if self._of_dup.random() < self._options.dup:
                    out += b"\0" + self._frame
                self._frame = b""
        return bytes(out)

    def after(self, data: bytes, baud: int) -> bytes:
        """Return what arrives of what went over the wire."""
        if self._options.drop:
            data = self._drop(data)
        if self._options.limit and baud > self._options.limit:
            return bytes(self._of_garbage.getrandbits(8) for _ in data)
        return self._flip(data) if self._options.ber else data

    def _drop(self, data: bytes) -> bytes:
        out = bytearray()
        for piece in self._dropping.split(data):
            if piece.opens:
                self._is_lost = self._of_drop.random() < self._options.drop
            if not self._is_lost or not (piece.in_frame or piece.opens):
                out += piece.data
            elif piece.opens:
                out += piece.data[:-1]
        return bytes(out)

    def _flip(self, data: bytes) -> bytes:
        bits = len(data) * 8
        if self._good_bits >= bits:
            self._good_bits -= bits
            return data
        out = bytearray(data)
        at = self._good_bits
        while at < bits:
            out[at // 8] ^= 1 << at % 8
            at += 1 + self._next_flip()
        self._good_bits = at - bits
        return bytes(out)

    def _next_flip(self) -> int:
        """Draw the number of good bits before the next bad one."""
        ber = self._options.ber
        return int(math.log(1 - self._of_flips.random()) / math.log1p(-ber)) if ber else 0


class _Line:
    """One direction of a UART: bytes go in at once and come out in their time."""

    def __init__(self, faults: _Faults) -> None:
        self._faults = faults
        self._waiting = bytearray()
        self._front_s = 0.0  # when the first waiting byte began to be sent

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, data: bytes, now_s: float) -> None:
        if not self._waiting:
            self._front_s = max(now_s, self._front_s)
        self._waiting += self._faults.before(data)

    def take(self, now_s: float, baud: int) -> bytes:
        """Return what has arrived by now."""
        n = len(self._waiting)
        if baud:
            n = max(0, min(n, int((now_s - self._front_s) * baud / _BITS)))
            self._front_s += n * _BITS / baud
        data = bytes(self._waiting[:n])
        del self._waiting[:n]
        return self._faults.after(data, baud) if data else data

    def next_s(self, now_s: float, baud: int) -> float:
        """Return the seconds until more has arrived."""
        ready_s = self._front_s + min(len(self._waiting) * _BITS / baud, _STEP_S) if baud else now_s
        return max(0.0, ready_s - now_s)


class WireTransport:
    """A transport behind an emulated wire.

    Args:
        inner: the true way to the board; closed with this one.
        options: what the wire does.

    Attributes:
        name: that of the true port.
        baud: bits per second now; 0: no time passes.
    """

    def __init__(self, inner: Transport, options: WireOptions) -> None:
        self.name = inner.name
        self.baud = options.baud
        self._inner = inner
        self._out = _Line(_Faults(options, "out"))
        self._in = _Line(_Faults(options, "in"))
        self._changed = threading.Condition()
        self._error: PortClosedError | None = None
        self._closed = False
        self._sender = threading.Thread(target=self._send, name="xipnet-wire", daemon=True)
        self._sender.start()

    def set_baud(self, baud: int) -> None:
        """Change the speed, once what was written has left."""
        with self._changed:
            self._changed.wait_for(lambda: not self._out or self._stopped())
            self.baud = baud

    def read(self, timeout_s: float) -> bytes:
        """See `Transport.read`."""
        end_s = time.monotonic() + timeout_s
        while True:
            now_s = time.monotonic()
            data = self._in.take(now_s, self.baud)
            if data or now_s >= end_s:
                return data
            wait_s = end_s - now_s
            if self._in:
                wait_s = min(wait_s, self._in.next_s(now_s, self.baud))
            more = self._inner.read(wait_s)
            if more:
                self._in.put(more, time.monotonic())

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._out) < _BUFFER_BYTES or self._stopped())
            if self._stopped():
                raise self._error or PortClosedError(f"{self.name} was closed")
            self._out.put(data, time.monotonic())
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._out) < _BUFFER_BYTES or self._stopped())

    def close(self) -> None:
        """See `Transport.close`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._inner.close()
        if threading.current_thread() is not self._sender:
            self._sender.join()

    def _stopped(self) -> bool:
        return self._closed or self._error is not None

    def _send(self) -> None:
        """Move what has gone over the wire on to the board."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._out or self._stopped())
                if self._stopped():
                    return
                wait_s = self._out.next_s(time.monotonic(), self.baud)
            if wait_s > 0:
                time.sleep(wait_s)
            with self._changed:
                data = self._out.take(time.monotonic(), self.baud)
                self._changed.notify_all()
            if not self._pass_on(data):
                return

    def _pass_on(self, data: bytes) -> bool:
        try:
            if data:
                self._inner.write(data)
        except PortClosedError as error:
            self._fail(error)
        except Exception as error:  # a driver's: those who write would wait for ever
            self._fail(PortClosedError(f"{self.name}: {type(error).__name__}: {error}"))
        return self._error is None

    def _fail(self, error: PortClosedError) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()
