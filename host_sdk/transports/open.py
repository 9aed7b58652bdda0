"""From a port's name to its transport."""

from __future__ import annotations

import os

from host_sdk.display.plain import plain_line
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

    It is XIPNET_PORT, else the only USB serial port; of several, the only one whose id is
    MicroPython's own (`host_sdk.transports.usb`). None is opened to find out.

    Raises:
        PortNotFoundError: there is none, or more than one.
    """
    if named := os.environ.get(PORT_VARIABLE):
        return named
    from host_sdk.transports.usb import boot_modes, usb_ports

    found = usb_ports()
    with_prompt = [p for p in found if p.known.kind == "micropython"]
    for only in (found, with_prompt):
        if len(only) == 1:
            return only[0].port
    ports = ", ".join(f"{p.port} ({plain_line(p.known.name)})" for p in found)
    seen = f"found {ports}" if found else "found no USB serial port"
    if waiting := boot_modes():
        seen += f", but {waiting[0].name}"
    raise PortNotFoundError(
        f"which board? {seen}; name one with --port or {PORT_VARIABLE}, for example "
        "sim://cortex-m55 for the virtual one"
    )
