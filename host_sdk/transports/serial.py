"""Serial ports, and those behind pyserial's URLs (spy://, loop://, ...).

A board with USB of its own takes its port away when it restarts, and brings it back, perhaps under
another name. It is known again by its serial number, or by where it is plugged in. While it is
away nothing is read, and what is written is lost, as on a line; the link repeats it.
"""

from __future__ import annotations

import contextlib
import errno
import threading
import time

import serial

from host_sdk.errors import LinkError, PortBusyError, PortClosedError, PortNotFoundError
from host_sdk.transports.lock import lock_port
from host_sdk.transports.rfc2217 import open_rfc2217
from host_sdk.transports.usb import UsbPort, port_named, usb_ports

REOPEN_S = 10.0  # within which a USB port must be there again
_LOOK_S = 0.1
_WRITE_TIMEOUT_S = 10.0
_GONE = (serial.SerialException, OSError, TypeError)  # TypeError: another thread has closed it
_BUSY = (errno.EBUSY, errno.EWOULDBLOCK, errno.EACCES)


class SerialTransport:
    """A serial port, which nobody else can open until it is closed.

    Args:
        port: a device ("/dev/ttyACM0", "COM3") or a pyserial URL.
        baud: line speed; without meaning on USB.

    Attributes:
        name: the port; another one if it came back under another name.
        baud: line speed now.
        reopened: how often it came back.

    Raises:
        PortNotFoundError: there is no such port.
        PortBusyError: another Device or program holds it.
    """

    def __init__(self, port: str, baud: int = 115200) -> None:
        self.name = port
        self.baud = baud
        self.reopened = 0
        self._changing = threading.Lock()  # of what follows
        self._closed = threading.Event()
        self._lost: Exception | None = None  # why the port is away
        self._lost_s = 0.0  # since when no byte came
        self._lock = lock_port(port)
        try:
            self._serial = open_serial(port, baud)
            self._usb: UsbPort | None = None if "://" in port else port_named(port)
        except BaseException:
            self._lock.release()
            raise

    def read(self, timeout_s: float) -> bytes:
        """See `Transport.read`."""
        if self._lost is not None:
            self._look(timeout_s)
            return b""
        port = self._serial
        try:
            if port.timeout != timeout_s:
                port.timeout = timeout_s  # sets up the port: slow over rfc2217
            data: bytes = port.read(1)
            if data:
                data += port.read(port.in_waiting)  # type: ignore[attr-defined]
                self._lost_s = 0.0
        except _GONE as error:
            self._lose(port, error)
            return b""
        return data

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        port = self._serial
        if self._lost is not None:
            return
        try:
            port.write(data)
        except _GONE as error:
            self._lose(port, error)

    def set_baud(self, baud: int) -> None:
        """Change the speed, once what was written has left."""
        port = self._serial
        self.baud = baud
        if self._lost is not None:
            return  # it is opened again at that speed
        try:
            port.flush()
            port.baudrate = baud
        except _GONE as error:
            self._lose(port, error)
        except (ValueError, NotImplementedError):
            pass  # the port has no such speed: nothing is heard at it, which ends its trial

    def close(self) -> None:
        """See `Transport.close`."""
        with self._changing:
            if self._closed.is_set():
                return
            self._closed.set()
            if hasattr(self._serial, "cancel_read"):
                with contextlib.suppress(serial.SerialException, OSError):
                    self._serial.cancel_read()
            self._free()

    def _free(self) -> None:
        """Close the port, which may be pulled out."""
        with contextlib.suppress(serial.SerialException, OSError):
            self._serial.close()
        self._lock.release()

    def _lose(self, port: serial.SerialBase, error: Exception) -> None:
        """Note that a port is gone.

        Raises:
            PortClosedError: it was closed, or is none that comes back.
        """
        with self._changing:
            if self._closed.is_set() or self._usb is None:
                raise PortClosedError(f"{self.name}: {error}") from error
            if self._lost is None and port is self._serial:
                self._free()
                self._lost = error
                self._lost_s = self._lost_s or time.monotonic()

    def _look(self, timeout_s: float) -> None:
        """Look whether the port is back; open it if so, else wait a little.

        Raises:
            PortClosedError: it was closed, or was away for too long.
        """
        self._closed.wait(min(timeout_s, _LOOK_S))
        with self._changing:
            if self._closed.is_set():
                raise PortClosedError(f"{self.name} was closed")
            if self._reopen():
                return
        if time.monotonic() - self._lost_s > REOPEN_S:
            raise PortClosedError(
                f"{self.name} is gone, and did not come back within {REOPEN_S:g} s: {self._lost}"
            ) from self._lost

    def _reopen(self) -> bool:
        for found in usb_ports():
            if self._usb is not None and self._usb.is_same(found):
                # Not yet, perhaps: its name is there before its user's right to it.
                with contextlib.suppress(LinkError):
                    self._take(found.port)
                    return True
        return False

    def _take(self, port: str) -> None:
        lock = lock_port(port)
        try:
            self._serial = open_serial(port, self.baud)
        except BaseException:
            lock.release()
            raise
        self._lock = lock
        self.name = port
        self._lost = None
        self.reopened += 1


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
