"""Bars that appear only if work takes long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from host_sdk.display import progress
from host_sdk.display.progress import late_progress


class Bars:
    """What `late_progress` shows, and when it is there."""

    def __init__(self) -> None:
        self.there = threading.Event()
        self.lines: list[dict[str, Any]] = []

    @contextmanager
    def show(self, _: object) -> Iterator[Bars]:
        self.there.set()
        yield self

    def add_task(self, title: str, total: None) -> int:
        return 0

    def update(self, task: int, **about: Any) -> None:
        self.lines.append(about)


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> Bars:
    found = Bars()
    monkeypatch.setattr(progress, "_bars", found.show)
    return found


def test_short_work_shows_nothing(bars: Bars) -> None:
    with late_progress(True, "work", after_s=600) as show:
        assert show is not None
        show(1, 2)
    assert not bars.there.is_set()
    assert not bars.lines


def test_long_work_shows_how_far_it_is(bars: Bars) -> None:
    with late_progress(True, "work", after_s=0) as show:
        assert show is not None
        assert bars.there.wait(60)
        show(1, 2)
        show(2, 2)
    assert bars.lines[-2:] == [{"completed": 1, "total": 2}, {"completed": 2, "total": 2}]


def test_nobody_asked() -> None:
    with late_progress(False, "work") as show:
        assert show is None
