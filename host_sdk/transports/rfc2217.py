"""Serial ports of servers such as ser2net: rfc2217://HOST:PORT."""

from __future__ import annotations

import contextlib

import serial
from serial import rfc2217

from host_sdk.errors import PortBusyError, PortNotFoundError

# Servers need not confirm modem lines, and ours do not matter.
_OPTIONS = "?ign_set_control&timeout=3.0"


class _Client(rfc2217.Serial):
    """pyserial's client, without the traceback and the socket that a hang-up leaves."""

    def close(self) -> None:
        """Close the socket, even if it is no longer connected."""
        connection = self._socket  # type: ignore[attr-defined]
        super().close()
        if connection is not None:
            connection.close()

    def _telnet_read_loop(self) -> None:
        with contextlib.suppress(OSError):
            super()._telnet_read_loop()  # type: ignore[misc]


def open_rfc2217(port: str, baud: int) -> serial.SerialBase:
    """Connect to a server, and have it set the line.

    Args:
        port: rfc2217://HOST:PORT, with the options of pyserial or ours.
        baud: line speed.

    Raises:
        PortNotFoundError: nobody listens there, or no server of serial ports.
        PortBusyError: the server hung up at once: another program holds the port.
    """
    url = port if "?" in port else port + _OPTIONS
    try:
        return _Client(url, baudrate=baud)  # it has no timeout of writes
    except serial.SerialException as error:
        raise PortNotFoundError(f"{port} cannot be opened: {error}") from error
    except ConnectionError as error:
        raise PortBusyError(f"{port} is in use by another program: {error}") from error
    except ValueError as error:
        raise PortNotFoundError(f"{port!r} is not a port: {error}") from error
