"""A virtual board of one's own: sim://cortex-m55?flash=FILE&camera=CLIP."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from host_sdk.errors import PortNotFoundError
from host_sdk.transports.qemu import Qemu, find_board
from host_sdk.transports.sensor_files import SensorFiles
from host_sdk.transports.stream import SocketTransport

# Every instruction takes a nanosecond of the board's clock: its microseconds are counts.
_ICOUNT = ("-icount", "shift=0")
_MOST_FPS = 100000
_NOTHING = SensorFiles()


@dataclass(frozen=True)
class SimUrl:
    """The parts of a sim:// URL.

    Attributes:
        board: its name, its CPU, or the path of its TOML.
        flash: file that keeps the flash; None: a fresh one.
        icount: the board's clock counts instructions, a nanosecond each.
        sensors: what its camera shows and its microphone hears.
    """

    board: str
    flash: Path | None = None
    icount: bool = False
    sensors: SensorFiles = _NOTHING


def open_sim(url: str) -> SocketTransport:
    """Start a virtual board, which ends when the transport is closed.

    Args:
        url: sim://CPU, sim://BOARD or sim://PATH.toml, with ?flash=FILE to keep the
            flash, ?icount=on to let the board's clock count instructions, ?camera=CLIP&fps=N and
            ?mic=FILE.wav to play a folder of pictures or a video, and a sound (docs/STREAMS.md).

    Raises:
        PortNotFoundError: there is no such board, or the URL has an unknown part.
        XipnetError: see `Qemu`.
    """
    wanted = parse_sim(url)
    board = find_board(wanted.board)
    extra = _ICOUNT if wanted.icount else ()
    with contextlib.ExitStack() as undo:
        here, there = socket.socketpair()
        undo.callback(here.close)
        sensors = None
        with there, contextlib.ExitStack() as lent:
            if wanted.sensors.are_there:
                from host_sdk.transports.sensors import SensorPlayer  # needs NumPy and Pillow

                near, sensors = socket.socketpair()
                lent.enter_context(sensors)
                undo.callback(SensorPlayer(near, wanted.sensors).close)
            qemu = Qemu(board, wanted.flash, there, extra, sensors)
        stop = undo.pop_all()
    stop.callback(qemu.close)
    return SocketTransport(here, url, stop.close, qemu.why_ended)


def parse_sim(url: str) -> SimUrl:
    """Read a sim:// URL.

    Raises:
        PortNotFoundError: the URL has an unknown part.
    """
    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    flash = options.pop("flash", [""])[-1]
    icount = options.pop("icount", ["off"])[-1]
    camera, mic = (options.pop(key, [""])[-1] for key in ("camera", "mic"))
    sensors = SensorFiles(
        camera=Path(camera).expanduser() if camera else None,
        mic=Path(mic).expanduser() if mic else None,
        fps=_read_rate(url, options.pop("fps", [""])[-1]),
    )
    described = (parts.netloc + parts.path).endswith(".toml")
    if options or (parts.path.strip("/") and not described) or icount not in ("on", "off"):
        raise PortNotFoundError(
            "port must be sim://BOARD, then perhaps ?flash=FILE&icount=on&camera=CLIP&fps=N&"
            f"mic=FILE.wav; is {url!r}"
        )
    board = parts.netloc + parts.path if described else parts.netloc
    return SimUrl(board, Path(flash).expanduser() if flash else None, icount == "on", sensors)


def _read_rate(url: str, text: str) -> float | None:
    if not text:
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.0 < rate <= _MOST_FPS:
        raise PortNotFoundError(f"{url}: fps must be above 0, at most {_MOST_FPS}; is {text!r}")
    return rate
