"""A self-test of the core as a process: what passes, and what is found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device_fw.boards import load_board
from host_sdk import Device, LinkError
from host_sdk.errors import ParamsError
from host_sdk.flashing.known_boards import known_board
from host_sdk.link.values import Value
from host_sdk.selftest import speed
from host_sdk.selftest.bench import Bench
from host_sdk.selftest.checks import Check, SelfTestReport
from host_sdk.selftest.clock import test_clock as try_clock
from host_sdk.selftest.code import test_caches as try_caches
from host_sdk.selftest.flash import test_erase as try_erase
from host_sdk.selftest.flash import test_flash as try_flash
from host_sdk.selftest.link import test_link as try_link
from host_sdk.selftest.link import test_speeds as try_speeds
from host_sdk.selftest.models import test_models as try_models
from host_sdk.selftest.predictions import predictions
from tests.unit.host_sdk.scripted_board import ScriptedBoard

NUCLEOS = ("nucleo_f446re", "nucleo_f411re", "nucleo_f401re")
BOARDS = [known_board(name) for name in ("pico", "pico2", *NUCLEOS, "stm32f4_disco")]
DOCS = Path(__file__).resolve().parents[4] / "docs"


@pytest.fixture
def board() -> Iterator[ScriptedBoard]:
    made = ScriptedBoard(flash_bytes=1 << 18)
    yield made
    made.close()


@pytest.fixture
def bench(board: ScriptedBoard) -> Iterator[Bench]:
    with Device(board.transport, timeout_s=20) as device:
        yield Bench(device, True, {"link: ping": (0.0, 1e9), "link: upload": (0.0, 1e-9)})


def verdicts(bench: Bench) -> dict[str, str]:
    return {check.name: check.verdict for check in bench.checks}


def test_line_and_flash_of_a_good_board_pass(bench: Bench) -> None:
    for attempt in (try_link, try_flash, try_erase):
        attempt(bench)
    found = verdicts(bench)
    assert found.pop("link: upload") == "off"  # quicker than was predicted
    assert set(found.values()) == {"pass"}
    assert len(found) == 8
    assert bench.board.ls() == []


SPEEDS = [115200, 230400, 460800, 921600, 1_000_000, 1_500_000, 2_000_000, 3_000_000]


class Wire:
    """What `get` gives and `set_baud` does on a line that carries some speeds."""

    def __init__(self, carried: int, refused: int, corrupt: int) -> None:
        self.baud, self.asked = 115200, list[int]()
        self.carried, self.refused, self.corrupt = carried, refused, corrupt

    def set_baud(self, baud: int) -> int:
        self.asked.append(baud)
        if baud > self.refused:
            raise ParamsError("no such speed")
        self.baud = baud if baud <= self.carried else self.baud
        return self.baud


@pytest.mark.parametrize(
    ("corrupt", "verdict"), [(0, "pass"), (460800, "FAIL")], ids=["whole", "other bytes"]
)
def test_each_speed_is_tried(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, corrupt: int, verdict: str
) -> None:
    wire, right = Wire(500_000, 1_500_000, corrupt), bench.board.get
    monkeypatch.setattr(bench.board, "set_baud", wire.set_baud)
    monkeypatch.setattr(type(bench.board), "baud", property(lambda _: wire.baud))
    monkeypatch.setattr(
        bench.board, "get", lambda name: right(name) + b"x" * (wire.baud == wire.corrupt)
    )
    bench.quick = False
    try_speeds(bench)
    assert verdicts(bench) == {
        "link: download at 230,400 baud": "pass",
        "link: download at 460,800 baud": verdict,
        "link: other speeds": "-",
    }
    note = bench.checks[-1].note
    assert note.startswith("921,600 does not come through; 1,000,000 does not")
    assert "2,000,000 is refused: no such speed" in note
    assert [baud for baud in wire.asked if baud != 115200] == SPEEDS[1:]
    assert wire.baud == 115200
    assert bench.board.ls() == []


def test_a_line_without_speeds_is_not_tried(bench: Bench) -> None:
    assert bench.board.baud == 0
    try_speeds(bench)
    assert verdicts(bench) == {"link: other speeds": "-"}


def test_wrong_bits_are_counted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    right = bench.board.get

    def get(name: str) -> bytes:
        data = bytearray(right(name))
        data[5] |= 0x11
        return bytes(data)

    monkeypatch.setattr(bench.board, "get", get)
    try_flash(bench)
    notes = {check.name: check.note for check in bench.checks}
    assert verdicts(bench)["flash: zeros"] == "FAIL"
    assert notes["flash: zeros"].endswith("2 bits wrong")
    assert verdicts(bench)["flash: ones"] == "pass"


def test_a_board_that_refuses_has_failed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.board.close()
    with pytest.raises(LinkError):
        try_link(bench)
    assert verdicts(bench)["link: ping"] == "FAIL"
    assert not SelfTestReport(bench_info(), "p", True, tuple(bench.checks), 1.0).ok


def bench_info() -> Any:
    with_board = ScriptedBoard()
    try:
        with Device(with_board.transport, timeout_s=20) as device:
            return device.info()
    finally:
        with_board.close()


class Ticks:
    """A board's clock that runs at a rate of its own."""

    def __init__(self, rate: float) -> None:
        self.rate, self.now = rate, 0.0

    def eval(self, source: str) -> int:
        return int(self.now * self.rate * 1e6) % (1 << 30)


@pytest.mark.parametrize(
    ("rate", "port", "verdict"),
    [
        (1.0, "/dev/ttyACM0", "pass"),
        (1.1, "/dev/ttyACM0", "FAIL"),
        (0.5, "/dev/ttyACM0", "FAIL"),
        (0.5, "sim://cortex-m4", "pass"),  # it has no clock of its own
    ],
)
def test_a_clock_that_is_off_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, rate: float, port: str, verdict: str
) -> None:
    ticks = Ticks(rate)
    monkeypatch.setattr(type(bench.board), "port", port)
    ticks.now = 1073.0  # wraps in the test
    monkeypatch.setattr(bench.board, "eval", ticks.eval)

    def pass_by(seconds: float) -> None:
        ticks.now += seconds

    monkeypatch.setattr("time.sleep", pass_by)
    monkeypatch.setattr("time.perf_counter", lambda: ticks.now)
    try_clock(bench)
    assert verdicts(bench) == {"clock": verdict}


class CachedFlash:
    """Sectors of code whose cache keeps some of what ran."""

    def __init__(self, places: list[int], kept: set[int]) -> None:
        """Take where uploads go, and the sectors whose first code runs for ever."""
        self.places, self.kept = places, kept
        self.code: dict[int, bytes] = {}
        self.ran: dict[int, bytes] = {}
        self.loaded = range(0)

    def load(self, bench: Bench, blob: bytes, stored: str) -> int:
        """Put a step into each sector."""
        at, sector = self.places.pop(0), bench.session.info.sector_bytes
        codes = re.findall(rb"..[\x0a]\x78.\x32|..[\x0a]\x69.\x32", blob, re.DOTALL)
        self.loaded = range(at, at + len(codes) * sector, sector)
        self.code.update(zip(self.loaded, codes, strict=True))
        return at

    def run(self, bench: Bench) -> bytes:
        """Run them all."""
        total = ord("a")
        for at in self.loaded:
            if at not in self.kept:
                self.ran[at] = self.code[at]
            total += self.ran.setdefault(at, self.code[at])[-2]
        return total.to_bytes(4, "little")


@pytest.mark.parametrize(
    ("quick", "places", "kept", "verdict", "note"),
    [
        (True, [0x1000] * 2, set(), "pass", "in 1 sectors, by upload 2"),
        (True, [0x1000] * 2, {0x1000}, "FAIL", "at 0x1000: input + 1 * 5 gave 103"),
        (True, [0x1000 * i for i in range(6)], set(), "-", "came round in none of 6 uploads"),
        (False, [0x1000, 0x9000, 0x3000], set(), "pass", "in 6 sectors, by upload 3"),
        (False, [0x1000, 0x9000, 0x3000], {0x6000}, "FAIL", "input + 7 * 38 gave 365"),
    ],
)
def test_an_old_program_that_runs_is_found(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    quick: bool,
    places: list[int],
    kept: set[int],
    verdict: str,
    note: str,
) -> None:
    flash = CachedFlash(places, kept)
    monkeypatch.setattr("host_sdk.selftest.code._load", flash.load)
    monkeypatch.setattr("host_sdk.selftest.code._run", flash.run)
    bench.quick = quick
    try_caches(bench)
    [check] = bench.checks
    assert check.verdict == verdict
    assert check.note.endswith(note)


def test_without_the_compiler_models_are_not_tried(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ziglang", None)
    try_models(bench, None)
    speed.test_speed(bench)
    assert set(verdicts(bench).values()) == {"-"}
    assert all("xipnet[compile]" in check.note for check in bench.checks)


def test_a_report_is_plain_json() -> None:
    checks = (
        Check("a", True, 2.0, "ms", (1.0, 3.0)),
        Check("b", True, 4.0, "ms", (1.0, 3.0)),
        Check("c", False, note="broken"),
        Check("d", True, note="no", tried=False),
    )
    report = SelfTestReport(bench_info(), "port", True, checks, 2.0)
    plain: dict[str, Value] = json.loads(json.dumps(report.to_json(), default=str))
    assert [c["verdict"] for c in report.to_json()["checks"]] == ["pass", "off", "FAIL", "-"]
    assert plain["ok"] is False
    assert report.title.endswith("1 passed, 1 FAILED, 1 not as predicted, 1 not tried, in 2.0 s")
    assert report.lines()[1] == "off   b          4 ms  (1 to 3)"


def page_rows() -> dict[str, list[str]]:
    """Return the cells of each check of PREDICTIONS.md, a board each."""
    text = (DOCS / "PREDICTIONS.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z][^|]*) \| [^|]+ \|(.+)\|$", text, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def test_the_page_says_what_the_file_says() -> None:
    page = page_rows()
    assert page["check"] == [board.title for board in BOARDS]
    assert list(predictions()) == [board.identity for board in BOARDS]
    names = {name for bands in predictions().values() for name in bands}
    for name in names:
        bands = [predictions()[board.identity].get(name) for board in BOARDS]
        cells = [f"{b[0]:,g} to {b[1]:,g}" if b else "" for b in bands]
        assert page[name] == cells


def test_cycles_on_the_page_are_milliseconds_of_the_clock() -> None:
    clocks = [125_000_000, 150_000_000]
    clocks += [load_board(board.name).fact("clock", "hz") for board in BOARDS[2:]]
    bands = [predictions()[board.identity][speed.NAME] for board in BOARDS]
    cells = [
        f"{low * hz / 1e6:,.0f} to {high * hz / 1e6:,.0f}"
        for (low, high), hz in zip(bands, clocks, strict=True)
    ]
    assert page_rows()["these are cycles"] == cells
