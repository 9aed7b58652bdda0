"""A request under way, and what follows from its method for the order of things on the link."""

from __future__ import annotations

from dataclasses import dataclass

from host_sdk.errors import LinkError
from host_sdk.link.messages import Reply, Request

# Python services: they answer when they are done.
LATE_METHODS = frozenset({"exec", "eval", "call", "rpc_list"})
# Answered while a model runs, so that the order of their replies tells nothing.
ANYTIME_METHODS = LATE_METHODS | {"ping", "help", "interrupt", "events"}
# While they switch the model the board answers runs; only the clock can tell that one got lost.
SWITCH_METHODS = frozenset({"put_end", "activate", "rollback"})
_OPENING_METHOD = "hello"
REPEATED_BY_CLOCK = LATE_METHODS | SWITCH_METHODS | {_OPENING_METHOD}
# They carry much and are quickly done with, so that they tell how fast the line is.
PLAIN_METHODS = frozenset({"put_data", "in_write"})
_READ_BYTES = {"get": 2, "out_read": 1, "arena_read": 1}  # the parameter that says how many
BULK_METHODS = PLAIN_METHODS | _READ_BYTES.keys() | {"run", "put_copy", "put_patch"}

_RETRY_GROWTH = 1.5
_RETRY_MAX_S = 4.0
# A board at another speed must see invalid frames, not one now and then that it forgets in between.
_OPENING_RETRY_MAX_S = 0.8


@dataclass(eq=False)
class Pending:
    """A request under way; `Link.wait` gives its result."""

    request: Request
    frame: bytes
    timeout_s: float | None
    by_clock: bool  # repeated by the clock: no later reply can show its loss
    first_sent: int = 0  # counts the link's transmissions, in order; 0: not sent yet
    last_sent: int = 0
    lost: bool = False
    retry_s: float = 0.0
    sent_s: float = 0.0
    done_s: float = 0.0
    due_s: float = 0.0
    error: LinkError | None = None
    reply: Reply | None = None

    @property
    def done(self) -> bool:
        """True when `Link.wait` will not wait."""
        return self.reply is not None or self.error is not None

    @property
    def bulk(self) -> bool:
        """True where small calls go first."""
        return self.request.method in BULK_METHODS

    @property
    def line_bytes(self) -> int:
        """What the line carries, in the direction that carries more."""
        params = self.request.params
        index = _READ_BYTES.get(self.request.method, len(params))
        return max([len(self.frame), *(n for n in params[index : index + 1] if isinstance(n, int))])

    @property
    def late(self) -> bool:
        """True for methods that are not answered in order."""
        return self.request.method in LATE_METHODS

    @property
    def opens(self) -> bool:
        """True for the request that opens a session."""
        return self.request.method == _OPENING_METHOD

    def timed_out(self, now: float, heard_s: float) -> bool:
        """True when the board took too long: in all for a late method, since its last reply else.

        A slow line may have much under way; as long as replies come, it is not silent.
        """
        since_s = self.sent_s if self.late else max(self.sent_s, heard_s)
        return self.timeout_s is not None and now - since_s >= self.timeout_s

    def wait_longer(self, now: float) -> None:
        """Sets when to become suspicious next."""
        self.due_s = now + self.retry_s
        most_s = _OPENING_RETRY_MAX_S if self.opens else _RETRY_MAX_S
        self.retry_s = min(self.retry_s * _RETRY_GROWTH, most_s)
