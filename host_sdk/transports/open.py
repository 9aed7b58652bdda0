"""From a port's name to its transport."""

from __future__ import annotations

import os

from host_sdk.errors import PortNotFoundError
from host_sdk.transports.base import Transport
from host_sdk.transports.emulated_line import WireTransport, split_wire

PORT_VARIABLE = "XIPNET_PORT"


def open_transport(port: str, baud: int = 115200) -> Transport:
    """Open a port.

    Args:
        port: "/dev/ttyACM0", "COM3", "socket://HOST:PORT", any other URL of pyserial, or
            "sim://BOARD?flash=FILE". The last two take the options of an emulated wire
            (`host_sdk.transports.emulated_line`): "sim://BOARD?baud=115200&ber=1e-5".
        baud: line speed of a serial port.

    Raises:
        LinkError: see `PortNotFoundError`, `PortBusyError`.
    """
    scheme = port.partition("://")[0] if "://" in port else ""
    if scheme in ("sim", "socket"):
        url, wire = split_wire(port)
        transport = _open_stream(scheme, url)
        return transport if wire is None else WireTransport(transport, wire)
    from host_sdk.transports.serial import SerialTransport

    return SerialTransport(port, baud)


def _open_stream(scheme: str, url: str) -> Transport:
    if scheme == "sim":
        from host_sdk.transports.sim import open_sim

        return open_sim(url)
    from host_sdk.transports.tcp import open_tcp

    return open_tcp(url)


def default_port() -> str:
    """Return the port to use if none is named.

    It is XIPNET_PORT, else the only serial port with a USB id.

    Raises:
        PortNotFoundError: there is none, or more than one.
    """
    if named := os.environ.get(PORT_VARIABLE):
        return named
    from serial.tools import list_ports

    found = sorted(p.device for p in list_ports.comports() if p.vid is not None)
    if len(found) == 1:
        return str(found[0])
    seen = f"found {', '.join(found)}" if found else "found no USB serial port"
    raise PortNotFoundError(
        f"which board? {seen}; name one with --port or {PORT_VARIABLE}, for example "
        "sim://cortex-m55 for the virtual one"
    )
