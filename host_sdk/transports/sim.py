"""A virtual board of one's own: sim://cortex-m55?flash=FILE."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from host_sdk.errors import PortNotFoundError
from host_sdk.qemu import Qemu, find_board
from host_sdk.transports.stream import SocketTransport


def open_sim(url: str) -> SocketTransport:
    """Starts a virtual board, which ends when the transport is closed.

    Args:
        url: sim://CPU or sim://BOARD, with ?flash=FILE to keep the flash.

    Raises:
        PortNotFoundError: there is no such board, or the URL has an unknown part.
        XipnetError: see `Qemu`.
    """
    board, flash = parse_sim(url)
    here, there = socket.socketpair()
    try:
        qemu = Qemu(find_board(board), flash, there)
    except BaseException:
        here.close()
        raise
    finally:
        there.close()
    return SocketTransport(here, url, qemu.close, qemu.why_ended)


def parse_sim(url: str) -> tuple[str, Path | None]:
    """The board and the flash file of a sim:// URL.

    Raises:
        PortNotFoundError: the URL has an unknown part.
    """
    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    flash = options.pop("flash", [""])[-1]
    if options or parts.path.strip("/"):
        raise PortNotFoundError(f"port must be sim://BOARD or sim://BOARD?flash=FILE; is {url!r}")
    return parts.netloc, Path(flash).expanduser() if flash else None
