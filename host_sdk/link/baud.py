"""The line's speed: changed with the board, and back if that does not work.

Nothing else may be under way. What the board does is docs/SPEC-wire.md, section 9.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import Protocol, TypeGuard, runtime_checkable

from host_sdk.errors import InputError, LinkError, LockedError, RequestError, XipnetError
from host_sdk.link.session import Session
from host_sdk.transports.base import Transport

START = 115200
# From the fastest; a board refuses what its UART cannot have.
RATES = (3_000_000, 2_000_000, 1_500_000, 1_000_000, 921_600, 460_800, 230_400)
_TRIAL_S = 1.0  # the board's
_MARGIN_S = 0.3
_SETTLE_S = 0.01  # the board changes when its last byte has left
_PINGS = 3
_PING_BYTES = 200
_PING_TIMEOUT_S = 0.8  # one that came before the board had changed is repeated within
_RESTORE_TIMEOUT_S = 0.5


@runtime_checkable
class Line(Protocol):
    """A transport whose speed can be changed: a serial port, an emulated wire.

    Attributes:
        baud: bits per second now.
    """

    baud: int

    def set_baud(self, baud: int) -> None:
        """Change the speed, once what was written has left."""


def negotiate(session: Session, transport: Transport, wanted: int | str) -> int:
    """Bring board and host to another speed, and verify it.

    Args:
        session: with the board.
        transport: what the session goes over.
        wanted: bits per second, or "max": the fastest that works.

    Returns:
        The speed that the line has now; 0 if it has none to change.

    Raises:
        InputError: the rate is neither a number nor "max".
        LinkError: the board does not answer any more, at no speed.
        RequestError: the board refuses that rate.
        LockedError: a locked board keeps its speed; with "max" that is no error.
    """
    if wanted != "max" and not (isinstance(wanted, int) and wanted > 0):
        raise InputError(f'max_baud must be a positive number or "max"; is {wanted!r}')
    if not isinstance(transport, Line) or not transport.baud:
        return 0
    if "baud" not in session.info.methods:
        return transport.baud
    for rate in RATES if wanted == "max" else (int(wanted),):
        if rate == transport.baud:
            break
        try:
            if _try(session, transport, rate):
                break
        except (RequestError, LockedError):
            if wanted != "max":
                raise
    return transport.baud


def is_raised(transport: Transport) -> TypeGuard[Line]:
    """Return whether the line has another speed than a board that restarts."""
    return isinstance(transport, Line) and transport.baud not in (0, START)


def restore(session: Session, transport: Transport) -> None:
    """Leave the line as the next program expects it, if the board still answers."""
    if not is_raised(transport):
        return
    with contextlib.suppress(XipnetError):
        session.link.request("baud", START, timeout_s=_RESTORE_TIMEOUT_S)
        _change(session, transport, START)
        session.link.request("ping", None, timeout_s=_PING_TIMEOUT_S)


def _try(session: Session, transport: Line, rate: int) -> bool:
    """Change to a rate; False: it did not work, and the line is as before."""
    before = transport.baud
    session.call("baud", rate)
    _change(session, transport, rate)
    changed_s = time.monotonic()
    try:
        for _ in range(_PINGS):
            sent = secrets.token_bytes(_PING_BYTES)
            if session.link.request("ping", sent, timeout_s=_PING_TIMEOUT_S) != sent:
                raise LinkError("ping came back changed")
    except LinkError:
        _change(session, transport, before)
        time.sleep(max(0.0, changed_s + _TRIAL_S + _MARGIN_S - time.monotonic()))
        session.link.request("ping", None)
        return False
    session.link.set_fallback(lambda: _change(session, transport, START))
    return True


def _change(session: Session, transport: Line, rate: int) -> None:
    session.link.set_fallback(None)
    transport.set_baud(rate)
    time.sleep(_SETTLE_S)
    session.link.estimator.set_baud(rate)
