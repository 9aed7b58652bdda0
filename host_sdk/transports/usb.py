"""USB serial ports, and what is plugged in behind them.

An id tells a chip, seldom a board: `UsbPort.kind` says how much it tells, and usb_ids.toml, beside
this file, what each is.
"""

from __future__ import annotations

import contextlib
import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_IDS = Path(__file__).with_name("usb_ids.toml")
_SYS = Path("/sys/bus/usb/devices")  # of Linux


@dataclass(frozen=True)
class UsbId:
    """An entry of usb_ids.toml.

    Attributes:
        vid: vendor's number.
        pid: product's; None: any that has no entry of its own.
        kind: "micropython", "board", "probe", "adapter", "boot" or "other"; "unknown" without an
            entry.
        name: for people.
    """

    vid: int
    pid: int | None
    kind: str
    name: str


@dataclass(frozen=True)
class UsbPort:
    """A USB serial port.

    Attributes:
        port: what `Device` opens: "/dev/ttyACM0", "COM3".
        vid: vendor's number.
        pid: product's number.
        serial_number: of the device, "" if it tells none.
        location: where it is plugged in, "" if that is not known.
        description: what the operating system calls it.
    """

    port: str
    vid: int
    pid: int
    serial_number: str
    location: str
    description: str

    @property
    def known(self) -> UsbId:
        """What its id says; of an unknown one, what the operating system says."""
        return look_up(self.vid, self.pid) or UsbId(
            self.vid, self.pid, "unknown", self.description or "USB serial port"
        )

    @property
    def number(self) -> str:
        """Its id as it is written: "2e8a:0005"."""
        return f"{self.vid:04x}:{self.pid:04x}"

    def is_same(self, other: UsbPort) -> bool:
        """Return whether it is the same device, perhaps under another name.

        It is by its serial number; without one, by where it is plugged in.
        """
        if (self.vid, self.pid) != (other.vid, other.pid):
            return False
        if self.serial_number or other.serial_number:
            # A device of two ports has one number: its interfaces differ in their location.
            return self.serial_number == other.serial_number and _interface(
                self.location
            ) == _interface(other.location)
        return bool(self.location) and self.location == other.location


def _interface(location: str) -> str:
    """Return the part of a location behind the colon: "1-1.4:1.2"."""
    return location.partition(":")[2]


def usb_ports() -> list[UsbPort]:
    """List the USB serial ports by name."""
    from serial.tools import list_ports

    found = [_port(p) for p in list_ports.comports() if p.vid is not None]
    return sorted(found, key=lambda p: p.port)


def port_named(name: str) -> UsbPort | None:
    """Return the USB serial port of a name or a link to it; None: it is none."""
    names = {name, str(Path(name).resolve())}
    return next((p for p in usb_ports() if p.port in names), None)


def _port(p: Any) -> UsbPort:
    return UsbPort(
        port=p.device,
        vid=p.vid,
        pid=getattr(p, "pid", None) or 0,
        serial_number=getattr(p, "serial_number", None) or "",
        location=getattr(p, "location", None) or "",
        description=getattr(p, "description", None) or "",
    )


@functools.cache
def _table() -> dict[tuple[int, int | None], UsbId]:
    with _IDS.open("rb") as file:
        entries = tomllib.load(file)["usb"]
    return {
        (e["vid"], e.get("pid")): UsbId(e["vid"], e.get("pid"), e["kind"], e["name"])
        for e in entries
    }


def look_up(vid: int, pid: int) -> UsbId | None:
    """Return what is known of an id; None: nothing."""
    return _table().get((vid, pid)) or _table().get((vid, None))


def boot_modes(devices: Path = _SYS) -> list[UsbId]:
    """Return the chips that are plugged in and wait for an image; Linux alone tells."""
    found = []
    for vendor in sorted(devices.glob("*/idVendor")):
        with contextlib.suppress(OSError, ValueError):  # it is pulled out at this moment
            vid = int(vendor.read_text(encoding="ascii"), 16)
            pid = int(vendor.with_name("idProduct").read_text(encoding="ascii"), 16)
            known = look_up(vid, pid)
            if known is not None and known.kind == "boot":
                found.append(known)
    return found
