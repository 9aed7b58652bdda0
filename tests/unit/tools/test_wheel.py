"""The wheel's bytes follow from its files' names and contents alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import pytest

from tools.wheel import date, settle

DATE = (1980, 1, 1, 0, 0, 0)


def pack(path: Path, names: Sequence[str], year: int, mode: int) -> Path:
    with ZipFile(path, "w", ZIP_STORED) as made:
        for name in names:
            about = ZipInfo(name, (year, 2, 3, 4, 5, 6))
            about.external_attr = mode << 16
            made.writestr(about, f"contents of {name}")
    return path


def test_order_dates_and_modes_leave_no_trace(tmp_path: Path) -> None:
    first = pack(tmp_path / "a.whl", ["x.py", "y/z.py"], 2001, 0o100600)
    second = pack(tmp_path / "b.whl", ["y/z.py", "x.py"], 2026, 0o100664)
    for wheel in (first, second):
        settle(wheel, wheel.with_suffix(".out"), DATE)
    made = first.with_suffix(".out")
    assert made.read_bytes() == second.with_suffix(".out").read_bytes()
    with ZipFile(made) as read:
        assert read.namelist() == ["x.py", "y/z.py"]
        assert read.read("y/z.py") == b"contents of y/z.py"


def test_the_date_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert date() == (2001, 9, 9, 1, 46, 40)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")  # before a ZIP's first
    assert date() == DATE
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert date() == DATE
