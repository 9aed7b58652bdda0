"""Ask once who is at the other end, and leave it as it is."""

from __future__ import annotations

import secrets

from host_sdk.link.board_info import BoardInfo
from host_sdk.link.link import Link
from host_sdk.transports.base import Transport


def identify(transport: Transport, timeout_s: float) -> BoardInfo:
    """Return what a board says of itself to `hello`; nothing else is sent.

    Args:
        transport: to the board; closed at the end.
        timeout_s: how long the board may be silent.

    Raises:
        LinkError: nothing answers, or no board.
    """
    link = Link(transport, lambda _: None, lambda _: None)
    try:
        return BoardInfo.read(link.request("hello", secrets.randbits(32), timeout_s=timeout_s))
    finally:
        link.close()
