"""A request under way, and what its method implies for the order on the link."""

from __future__ import annotations

from dataclasses import dataclass

from host_sdk.errors import LinkError
from host_sdk.link.line_estimator import Patience
from host_sdk.link.messages import Reply, Request

# Python services: they answer when they are done.
LATE_METHODS = frozenset({"exec", "eval", "call", "rpc_list"})
# Answered while a model runs: the order of their replies tells nothing.
ANYTIME_METHODS = LATE_METHODS | {"ping", "help", "interrupt", "events"}
# While they switch the model the board answers runs; only the clock can tell that one got lost.
SWITCH_METHODS = frozenset({"put_end", "activate", "rollback"})
HELLO = "hello"
REPEATED_BY_CLOCK = LATE_METHODS | SWITCH_METHODS | {HELLO}
# They carry much and are done quickly: they tell how fast the line is.
PLAIN_METHODS = frozenset({"put_data", "in_write"})
_READ_BYTES = {
    "get": 2,
    "flash_read": 1,
    "out_read": 1,
    "arena_read": 1,
}  # the parameter that says how many
BULK_METHODS = PLAIN_METHODS | _READ_BYTES.keys() | {"run", "put_copy", "put_patch"}


@dataclass(eq=False)
class PendingRequest:
    """A request under way; `Link.wait` gives its result.

    Attributes:
        request: what is asked.
        frame: the bytes that carry it.
        timeout_s: how long the board may be silent; None: for ever.
        by_clock: repeated by the clock: no later reply can show its loss.
        first_sent: which of all transmissions was its first, counted from 1; 0: not sent yet.
        last_sent: which of all transmissions was its last.
        is_lost: a later request was answered, this one was not.
        retry_s: wait after the next transmission.
        due_s: when its silence becomes suspicious.
        sent_s: when it was first sent.
        done_s: when its reply came.
        error: why it failed.
        reply: what the board answered.
    """

    request: Request
    frame: bytes
    timeout_s: float | None
    by_clock: bool
    first_sent: int = 0
    last_sent: int = 0
    is_lost: bool = False
    retry_s: float = 0.0
    due_s: float = 0.0
    sent_s: float = 0.0
    done_s: float = 0.0
    error: LinkError | None = None
    reply: Reply | None = None

    @property
    def done(self) -> bool:
        """True if `Link.wait` will not wait."""
        return self.reply is not None or self.error is not None

    @property
    def is_bulk(self) -> bool:
        """True if small calls go first."""
        return self.request.method in BULK_METHODS

    @property
    def is_late(self) -> bool:
        """True if it is not answered in order."""
        return self.request.method in LATE_METHODS

    @property
    def is_hello(self) -> bool:
        """True if it opens a session."""
        return self.request.method == HELLO

    @property
    def line_bytes(self) -> int:
        """What the line carries, in the direction that carries more."""
        params = self.request.params
        index = _READ_BYTES.get(self.request.method, len(params))
        return max([len(self.frame), *(n for n in params[index : index + 1] if isinstance(n, int))])

    def expires_s(self, heard_s: float) -> float | None:
        """Return when the board has taken too long; None: never.

        A late request counts from its sending. For the others a slow line may have much under way:
        as long as replies come, the board is not silent.

        Args:
            heard_s: when the last reply came.
        """
        if self.timeout_s is None or not self.first_sent:
            return None
        return (self.sent_s if self.is_late else max(self.sent_s, heard_s)) + self.timeout_s

    def wait_longer(self, now: float, patience: Patience) -> None:
        """Set when its silence becomes suspicious next."""
        self.due_s = now + self.retry_s
        most_s = patience.hello_retry_s if self.is_hello else patience.retry_s
        self.retry_s = min(self.retry_s * patience.growth, most_s)
