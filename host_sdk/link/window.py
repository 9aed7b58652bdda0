"""Requests under way as pure state: which are lost, due, free to go.

No I/O, no clock.

    window = Window("/dev/ttyACM0", first_id, LineEstimator(115200))
    pending = window.submit("ping", (1,), 10.0)   # None: no room, ask again after a reply
    while (out := window.next_frame(now)) is not None:
        port.write(out.frame)
    window.received(reply, now)                   # then `pending.done`
    window.tick(now)                              # at `window.next_wakeup()`, and after replies

How a loss is found: the board handles requests in the order of arrival. The reply to a later
request shows that an earlier one without a reply was lost; it is sent again with the same id, which
the board recognises. Behind what is sent again, and if nothing comes at all for a while, a probe
serves as the later request: an `out_read` of nothing, which changes nothing. Two ids take turns:
the second reply to a probe that was sent twice must not answer the next one (the alternating bit of
Bartlett, Scantlebury and Wilkinson, CACM 12(5), 1969). The probe may have to wait for a model that
runs; a `ping` does not, and tells whether the board is there at all.

Two kinds of methods stand outside of the order: those that the board also answers while a model
runs show nothing about earlier requests, and Python services (`exec`, `call`, ...) answer when they
are done; these, and `hello`, are repeated by the clock.

Small calls go first: at most `QUEUE_S` seconds of bulk are on the line at once, one place of the
board's window is kept free of it, and a small frame that waits to be sent overtakes a long one.

Nothing follows `hello` before its reply: a `boot` that answers an earlier request may still come,
and ends here what is under way; the board must not execute that afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from host_sdk.errors import (
    DeviceFaultError,
    DeviceResetError,
    InputError,
    LinkError,
    NoResponseError,
    PortClosedError,
)
from host_sdk.link.board_info import LEAST_FRAME_BYTES, BootReport
from host_sdk.link.framing import encode_frame
from host_sdk.link.line_estimator import LineEstimator
from host_sdk.link.messages import Reply, Request
from host_sdk.link.request import (
    ANYTIME_METHODS,
    BULK_METHODS,
    LATE_METHODS,
    PLAIN_METHODS,
    REPEATED_BY_CLOCK,
    SWITCH_METHODS,
    PendingRequest,
)
from host_sdk.link.values import Value

_IDS = 1 << 32
_ID_SPAN = 12  # the board keeps a reply for so many ids at least
_PROBE: tuple[Value, ...] = (0, 0)


@dataclass
class Counters:
    """What happened on a link."""

    requests: int = 0
    repeated: int = 0
    probes: int = 0
    bad_frames: int = 0
    bad_messages: int = 0
    seen_text: bytes = field(default=b"", repr=False)


class Window:
    """The requests under way on one link.

    Times are seconds of any clock that never goes back.

    Args:
        port: its name, for messages.
        first_id: of the first request; the three before it are the probes' and the ping's.
        estimator: learns from what is sent and received.

    Attributes:
        size: requests that may be under way at once.
        max_body_bytes: longest body that the board takes.
        counters: what happened so far.
        estimator: see Args.
        can_fall_back: whether the line has a first speed to go back to.
    """

    def __init__(self, port: str, first_id: int, estimator: LineEstimator) -> None:
        self.size = 1
        self.max_body_bytes = LEAST_FRAME_BYTES
        self.counters = Counters()
        self.estimator = estimator
        self.can_fall_back = False
        self._has_restarted = False  # and the line has not gone back to its first speed since
        self._port = port
        # Few for all: the board keeps few replies. The first is in use, or was last.
        self._probe_ids = ((first_id - 3) % _IDS, (first_id - 2) % _IDS)
        self._ping_id = (first_id - 1) % _IDS
        self._next_id = first_id % _IDS
        self._under_way: dict[int, PendingRequest] = {}
        self._queue: list[PendingRequest] = []  # to be sent, for the first time or again
        self._transmissions = 0
        self._heard_s = 0.0  # when the last reply came

    @property
    def own_ids(self) -> tuple[int, int, int]:
        """The ids of the probes and of the ping that goes with them."""
        return *self._probe_ids, self._ping_id

    @property
    def expects_reply(self) -> bool:
        """Whether a reply is waited for, other than those of Python services."""
        return bool(self._asked())

    # ---- Out -------------------------------------------------------------------------------------

    def submit(
        self, method: str, params: tuple[Value, ...], timeout_s: float | None
    ) -> PendingRequest | None:
        """Take a request, to be sent by `next_frame`; None: there is no room for it now.

        Raises:
            InputError: it is longer than the board's frames.
        """
        if not self._has_room(method):
            return None
        request = Request(self._next_id, method, params)
        pending = self._start(request, timeout_s, method in REPEATED_BY_CLOCK)
        self._next_id = (self._next_id + 1) % _IDS
        return pending

    def withdraw(self, pending: PendingRequest) -> None:
        """Forget a request that nobody will send or wait for."""
        if self._under_way.get(pending.request.id) is pending:
            self._forget(pending)

    def is_queued(self, pending: PendingRequest) -> bool:
        """Return whether a request waits for `next_frame`."""
        return pending in self._queue

    @property
    def has_repetitions(self) -> bool:
        """Whether something waits for `next_frame` that was not just submitted."""
        return any(p.first_sent or p.request.id in self.own_ids for p in self._queue)

    def next_frame(self, now: float) -> PendingRequest | None:
        """Return what to write to the port now, small frames first; None: nothing."""
        if not self._queue:
            return None
        small = (p for p in self._queue if not p.is_bulk and not p.is_hello and not self._probes(p))
        pending = next(small, self._queue[0])
        self._queue.remove(pending)
        self._note_sent(pending, now)
        return pending

    def _probes(self, pending: PendingRequest) -> bool:
        """Return whether it is a probe, which stays behind what it asks after."""
        return pending.request.id in self._probe_ids

    def _start(self, request: Request, timeout_s: float | None, by_clock: bool) -> PendingRequest:
        body = request.pack()
        if len(body) > self.max_body_bytes:
            raise InputError(
                f"{request.method}: request must fit the board's frame of {self.max_body_bytes} "
                f"bytes; has {len(body)}"
            )
        pending = PendingRequest(request, encode_frame(body), timeout_s, by_clock)
        self._under_way[request.id] = pending
        self._queue.append(pending)
        self.counters.requests += 1
        return pending

    @property
    def _opens(self) -> bool:
        """Whether `hello` is under way."""
        return any(p.is_hello for p in self._under_way.values())

    def _has_room(self, method: str) -> bool:
        if self._opens:
            return False
        others = self._asked()
        in_order = [p for p in others if p.request.method not in SWITCH_METHODS]
        if in_order and (self._next_id - in_order[0].request.id) % _IDS >= _ID_SPAN:
            return False
        if not others or method in LATE_METHODS:
            return True
        if method not in BULK_METHODS:
            return len(others) < self.size
        bulk_bytes = sum(p.line_bytes for p in others if p.is_bulk)
        limit = max(2, self.size - 1)
        return len(others) < limit and (len(others) < 2 or self.estimator.may_queue(bulk_bytes))

    def _asked(self) -> list[PendingRequest]:
        """Return what is answered soon, without what the window itself asks."""
        return [
            p
            for p in self._under_way.values()
            if not p.is_late and p.request.id not in self.own_ids
        ]

    def _note_sent(self, pending: PendingRequest, now: float) -> None:
        self._transmissions += 1
        self.estimator.sent(len(pending.frame))
        if not pending.first_sent:
            pending.first_sent = self._transmissions
            pending.sent_s = now
            pending.retry_s = self.estimator.timeout_s(pending.line_bytes)
        else:
            self.counters.repeated += 1
            if pending.is_lost:  # not silence: others were answered
                self.estimator.lost()
                pending.retry_s = self.estimator.timeout_s(pending.line_bytes)
        pending.last_sent = self._transmissions
        pending.is_lost = False
        pending.wait_longer(now, self.estimator.patience)

    # ---- In --------------------------------------------------------------------------------------

    def received(self, reply: Reply, now: float) -> PendingRequest | None:
        """Take a reply; return the request that it answers, None if none was sent."""
        answered = self._under_way.get(reply.id)
        if answered is None or not answered.first_sent:
            return None
        self._forget(answered)
        last_s, self._heard_s = self._heard_s, now
        answered.reply = reply
        answered.done_s = now
        if answered.request.method not in ANYTIME_METHODS:
            self._measure(answered, last_s)
            self._find_losses(answered, now)
        return answered

    def restarted(self, boot: BootReport) -> None:
        """End what was under way but for `hello`, which is asked again."""
        self._has_restarted = self.can_fall_back
        kind = DeviceFaultError if boot.is_fault else DeviceResetError
        for pending in list(self._under_way.values()):
            method = pending.request.method
            if pending.is_hello:
                pending.due_s = 0.0  # the board was not there yet
            else:
                self._fail(pending, kind(f"{method}: the board restarted: {boot}", method, boot))

    def close(self, reason: str) -> None:
        """End everything: the port is gone."""
        for pending in list(self._under_way.values()):
            self._fail(pending, PortClosedError(reason))

    def _measure(self, answered: PendingRequest, last_s: float) -> None:
        """Learn how long the line takes, from a request that was sent once.

        Args:
            last_s: when the previous reply came.
        """
        if answered.first_sent != answered.last_sent:
            return
        self.estimator.answered(answered.done_s - answered.sent_s)
        if answered.request.method in PLAIN_METHODS:
            busy_s = answered.done_s - max(answered.sent_s, last_s)
            self.estimator.carried(len(answered.frame), busy_s)

    def _find_losses(self, answered: PendingRequest, now: float) -> None:
        for earlier in self._under_way.values():
            is_earlier = 0 < earlier.last_sent < answered.first_sent
            if is_earlier and not earlier.by_clock:
                earlier.is_lost = True
                earlier.due_s = now

    # ---- Time ------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Fail what took too long, and queue what is to be sent again."""
        for pending in list(self._under_way.values()):
            expires_s = pending.expires_s(self._heard_s)
            if expires_s is not None and now >= expires_s:
                self._fail(pending, self._no_response(pending))
        if not self._asked():  # then nobody waits for these
            for number in self.own_ids:
                if number in self._under_way:
                    self._forget(self._under_way[number])
        self._queue_repetitions(now)

    def next_wakeup(self) -> float | None:
        """Return when `tick` is due if nothing is received before; None: never."""
        times = [p.due_s for p in self._waiting()]
        times += [
            expires_s
            for p in self._under_way.values()
            if (expires_s := p.expires_s(self._heard_s)) is not None
        ]
        if self.can_fall_back:
            times += self._silence_ends()
        return min(times, default=None)

    def falls_back(self, now: float) -> bool:
        """Return whether the line must go back to its first speed; True once.

        It must if the board has restarted, for it does so at the first speed, and if what a board
        answers at once has waited too long.
        """
        if not self._has_restarted and all(now < end_s for end_s in self._silence_ends()):
            return False
        could, self.can_fall_back = self.can_fall_back, False
        self._has_restarted = False
        return could

    def ask_again(self) -> None:
        """Make everything due: the line's speed has changed, and what was sent is lost."""
        for pending in self._under_way.values():
            pending.due_s = 0.0
            pending.retry_s = self.estimator.timeout_s(pending.line_bytes)

    def _waiting(self) -> list[PendingRequest]:
        """Return what was sent and may be sent again; it is not queued yet."""
        waiting = [p for p in self._under_way.values() if p.first_sent and p not in self._queue]
        return [p for p in waiting if p.is_hello] if self._opens else waiting

    def _silence_ends(self) -> Iterator[float]:
        """Yield when what a board answers at once has waited too long."""
        for p in self._under_way.values():
            if p.first_sent and (p.is_hello or p.request.id == self._ping_id):
                yield max(p.sent_s, self._heard_s) + self.estimator.patience.fallback_s

    def _queue_repetitions(self, now: float) -> None:
        """Queue what was lost, what is due by the clock, and a probe after silence."""
        due = [p for p in self._waiting() if now >= p.due_s]
        silent = [p for p in due if not p.is_lost and not p.by_clock]
        self._queue += [p for p in due if p.is_lost or p.by_clock]
        for pending in silent:
            pending.wait_longer(now, self.estimator.patience)
        probe = self._under_way.get(self._probe_ids[0])
        if probe is None and (silent or any(p.is_lost for p in due)):
            self.counters.probes += 1
            self._probe_ids = self._probe_ids[::-1]
            self._start(Request(self._probe_ids[0], "out_read", _PROBE), None, True)
        elif probe in due and self._ping_id not in self._under_way:
            self._start(Request(self._ping_id, "ping", (None,)), None, True)

    # ---- Ends ------------------------------------------------------------------------------------

    def _no_response(self, pending: PendingRequest) -> NoResponseError:
        method, timeout_s = pending.request.method, pending.timeout_s or 0.0
        message = f"no reply to {method} from {self._port} within {timeout_s:g} s"
        if pending.is_hello:
            message += ": is it the right port, and does the board run the xipnet firmware?"
            if self.counters.seen_text:
                message += f" It sent text: {self.counters.seen_text.decode(errors='replace')!r}"
        return NoResponseError(message, method, timeout_s)

    def _fail(self, pending: PendingRequest, error: LinkError) -> None:
        pending.error = error
        self._forget(pending)

    def _forget(self, pending: PendingRequest) -> None:
        del self._under_way[pending.request.id]
        if pending in self._queue:
            self._queue.remove(pending)
