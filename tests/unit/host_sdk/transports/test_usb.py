"""USB serial ports by their ids."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from device_fw.boards import board_names
from device_fw.build.rp2 import rp2_boards
from host_sdk.cli.main import main
from host_sdk.errors import PortNotFoundError
from host_sdk.transports import usb
from host_sdk.transports.core import open_core
from host_sdk.transports.open import default_port, open_transport

PICO = (0x2E8A, 0x0005)
ST_LINK = (0x0483, 0x374B)
KINDS = {"micropython", "board", "probe", "adapter", "boot", "other"}

Plug = Callable[..., None]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Plug in devices; at first there is none."""
    ports: list[SimpleNamespace] = []
    monkeypatch.delenv("XIPNET_PORT", raising=False)
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    monkeypatch.setattr(usb, "boot_modes", list)

    def add(device: str, number: tuple[int, int] | None, **more: str) -> None:
        vid, pid = number or (None, None)
        ports.append(SimpleNamespace(device=device, vid=vid, pid=pid, **more))

    return add


def test_the_table_is_sound() -> None:
    path = Path(usb.__file__).with_name("usb_ids.toml")
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["usb"]
    assert len({(e["vid"], e.get("pid")) for e in entries}) == len(entries)
    assert {e["kind"] for e in entries} == KINDS
    assert all(0 < e["vid"] <= 0xFFFF and 0 <= e.get("pid", 0) <= 0xFFFF for e in entries)


def test_a_product_is_named_before_its_vendor(plug: Plug) -> None:
    plug("/dev/ttyACM0", PICO)
    plug("/dev/ttyACM1", (0x2E8A, 0x1234))
    plug("/dev/ttyACM2", (0x1234, 1), description="Something")
    plug("/dev/ttyS0", None)
    seen = [(p.port, p.known.kind, p.known.name) for p in usb.usb_ports()]
    assert seen[0][1] == "micropython"
    assert "Pico" in seen[0][2]
    assert seen[1][1:] == ("board", "Raspberry Pi, or a board with its chip")
    assert seen[2] == ("/dev/ttyACM2", "unknown", "Something")
    assert len(seen) == 3


def test_the_only_one_is_taken(plug: Plug) -> None:
    with pytest.raises(PortNotFoundError, match="found no USB serial port; name one"):
        default_port()
    plug("/dev/ttyACM0", ST_LINK)
    assert default_port() == "/dev/ttyACM0"


def test_micropythons_own_id_goes_before_others(plug: Plug) -> None:
    plug("/dev/ttyACM0", ST_LINK)
    plug("/dev/ttyACM1", PICO)
    assert default_port() == "/dev/ttyACM1"
    plug("/dev/ttyACM2", PICO)
    with pytest.raises(PortNotFoundError, match=r"which board\? found .*ST-LINK.*Pico.*; name one"):
        default_port()


def test_boards_tells_what_is_plugged_in(plug: Plug) -> None:
    plug("/dev/ttyACM0", PICO, serial_number="e660")
    runner = CliRunner()
    first = json.loads(runner.invoke(main, ["boards", "--json"]).output)[0]
    what = first.pop("what")
    assert what.startswith("Raspberry Pi Pico")
    assert first == {
        "port": "/dev/ttyACM0",
        "kind": "micropython",
        "usb": "2e8a:0005",
        "serial_number": "e660",
    }
    shown = runner.invoke(main, ["boards"]).output.splitlines()[0]
    assert shown.split(maxsplit=1) == ["/dev/ttyACM0", what]


def test_all_lists_the_known_boards() -> None:
    runner = CliRunner()
    rows = {
        b["name"]: b for b in json.loads(runner.invoke(main, ["boards", "--all", "--json"]).output)
    }
    assert rows["pico"]["chip"] == "rp2040"
    assert rows["mps3_an547"]["state"] == "tested (QEMU)"
    assert all(row["state"] for row in rows.values())
    assert rows["pico"]["board"] == "Raspberry Pi Pico"
    assert rows["nucleo_f446re"]["ram_bytes"] == 81_920
    assert rows["nucleo_f446re"]["store_bytes"] == 3 * 131_072
    assert rows["disco_l475"]["state"] == "hello tested (QEMU 10)"
    assert {*board_names(), *rp2_boards()} == set(rows)
    output = runner.invoke(main, ["boards", "--all"]).output
    assert "983,040" in output
    assert "make firmware BOARD=" in output


def test_ask_says_who_answers(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    plug("/dev/ttyACM0", PICO)
    plug("/dev/nowhere", ST_LINK)
    monkeypatch.setattr(
        "host_sdk.transports.open_transport",
        lambda port: open_core() if port == "/dev/ttyACM0" else open_transport(port),
    )
    output = CliRunner().invoke(main, ["boards", "--ask", "--json"]).output
    nowhere, core, *_ = json.loads(output)
    assert core["answer"].startswith("host (host), firmware ")
    assert "cannot be opened" in nowhere["answer"]


def test_a_chip_that_waits_for_an_image_is_told(tmp_path: Path) -> None:
    for name, vid, pid in (("1-1", "2e8a", "0003"), ("1-2", "2e8a", "0005"), ("1-3", "?", "?")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "idVendor").write_text(f"{vid}\n")
        (tmp_path / name / "idProduct").write_text(f"{pid}\n")
    assert ["RPI-RP2" in known.name for known in usb.boot_modes(tmp_path)] == [True]


def test_a_device_is_known_again() -> None:
    def port(name: str, serial_number: str, location: str) -> usb.UsbPort:
        return usb.UsbPort(name, *PICO, serial_number, location, "")

    one = port("/dev/ttyACM0", "e660", "1-1:1.0")
    assert one.is_same(port("/dev/ttyACM1", "e660", "1-2:1.0"))
    assert not one.is_same(port("/dev/ttyACM1", "e661", "1-1:1.0"))
    assert not one.is_same(port("/dev/ttyACM1", "e660", "1-1:1.2"))  # its other port
    assert port("a", "", "1-1:1.0").is_same(port("b", "", "1-1:1.0"))
    assert not port("a", "", "1-1:1.0").is_same(port("b", "", "1-2:1.0"))
    assert not port("a", "", "").is_same(port("b", "", ""))
