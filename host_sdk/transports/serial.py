"""Serial ports, and those behind pyserial's URLs (spy://, loop://, ...)."""

from __future__ import annotations

import errno
import threading

import serial

from host_sdk.errors import PortBusyError, PortClosedError, PortNotFoundError
from host_sdk.transports.lock import lock_port
from host_sdk.transports.rfc2217 import open_rfc2217

_WRITE_TIMEOUT_S = 10.0
_BUSY = (errno.EBUSY, errno.EWOULDBLOCK, errno.EACCES)


class SerialTransport:
    """A serial port, which nobody else can open until it is closed.

    Args:
        port: a device ("/dev/ttyACM0", "COM3") or a pyserial URL.
        baud: line speed; without meaning on USB.

    Attributes:
        name: the port.
        baud: line speed now.

    Raises:
        PortNotFoundError: there is no such port.
        PortBusyError: another Device or program holds it.
    """

    def __init__(self, port: str, baud: int = 115200) -> None:
        self.name = port
        self.baud = baud
        self._lock = lock_port(port)
        try:
            self._serial = open_serial(port, baud)
        except BaseException:
            self._lock.release()
            raise
        self._closed = threading.Event()

    def read(self, timeout_s: float) -> bytes:
        """See `Transport.read`."""
        try:
            if self._serial.timeout != timeout_s:
                self._serial.timeout = timeout_s  # sets up the port: slow over rfc2217
            data: bytes = self._serial.read(1)
            if data:
                data += self._serial.read(self._serial.in_waiting)  # type: ignore[attr-defined]
        except (serial.SerialException, OSError, TypeError) as error:
            # pyserial raises TypeError if another thread has closed the port
            raise PortClosedError(f"{self.name}: {error}") from error
        return data

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError, TypeError) as error:
            raise PortClosedError(f"{self.name}: {error}") from error

    def set_baud(self, baud: int) -> None:
        """Change the speed, once what was written has left."""
        try:
            self._serial.flush()
            self._serial.baudrate = baud
        except (serial.SerialException, OSError, TypeError) as error:
            raise PortClosedError(f"{self.name}: {error}") from error
        self.baud = baud

    def close(self) -> None:
        """See `Transport.close`."""
        if self._closed.is_set():
            return
        self._closed.set()
        try:
            if hasattr(self._serial, "cancel_read"):
                self._serial.cancel_read()
            self._serial.close()
        except (serial.SerialException, OSError):
            pass  # it was pulled out
        finally:
            self._lock.release()


def open_serial(port: str, baud: int) -> serial.SerialBase:
    """Open a port of pyserial.

    Raises:
        PortNotFoundError: there is no such port.
        PortBusyError: another program holds it.
    """
    if port.startswith("rfc2217://"):
        return open_rfc2217(port, baud)
    exclusive = None if "://" in port else True
    try:
        return serial.serial_for_url(
            port, baudrate=baud, write_timeout=_WRITE_TIMEOUT_S, exclusive=exclusive
        )
    except serial.SerialException as error:
        if error.errno in _BUSY or "exclusively lock" in str(error):
            raise PortBusyError(
                f"{port} is in use by another program, or you may not open it: {error}"
            ) from error
        raise PortNotFoundError(f"{port} cannot be opened: {error}") from error
    except ValueError as error:
        raise PortNotFoundError(f"{port!r} is not a port: {error}") from error
