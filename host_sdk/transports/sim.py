"""A virtual board of one's own: sim://cortex-m55?flash=FILE&icount=on."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from host_sdk.errors import PortNotFoundError
from host_sdk.transports.qemu import Qemu, find_board
from host_sdk.transports.stream import SocketTransport

# Every instruction takes a nanosecond of the board's clock: its microseconds are counts.
_ICOUNT = ("-icount", "shift=0")


@dataclass(frozen=True)
class SimUrl:
    """The parts of a sim:// URL.

    Attributes:
        board: its name, its CPU, or the path of its TOML.
        flash: file that keeps the flash; None: a fresh one.
        icount: the board's clock counts instructions, a nanosecond each.
    """

    board: str
    flash: Path | None = None
    icount: bool = False


def open_sim(url: str) -> SocketTransport:
    """Start a virtual board, which ends when the transport is closed.

    Args:
        url: sim://CPU, sim://BOARD or sim://PATH.toml, with ?flash=FILE to keep the
            flash, ?icount=on to let the board's clock count instructions.

    Raises:
        PortNotFoundError: there is no such board, or the URL has an unknown part.
        XipnetError: see `Qemu`.
    """
    wanted = parse_sim(url)
    here, there = socket.socketpair()
    extra = _ICOUNT if wanted.icount else ()
    try:
        qemu = Qemu(find_board(wanted.board), wanted.flash, there, extra)
    except BaseException:
        here.close()
        raise
    finally:
        there.close()
    return SocketTransport(here, url, qemu.close, qemu.why_ended)


def parse_sim(url: str) -> SimUrl:
    """Read a sim:// URL.

    Raises:
        PortNotFoundError: the URL has an unknown part.
    """
    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    flash = options.pop("flash", [""])[-1]
    icount = options.pop("icount", ["off"])[-1]
    described = (parts.netloc + parts.path).endswith(".toml")
    if options or (parts.path.strip("/") and not described) or icount not in ("on", "off"):
        raise PortNotFoundError(
            f"port must be sim://BOARD, then perhaps ?flash=FILE&icount=on; is {url!r}"
        )
    board = parts.netloc + parts.path if described else parts.netloc
    return SimUrl(board, Path(flash).expanduser() if flash else None, icount == "on")
