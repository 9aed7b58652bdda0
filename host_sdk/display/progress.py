"""Progress bars; Rich is loaded when the first one is shown."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from host_sdk.display.plain import plain_line

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import ProgressColumn

# progress(done, total), of bytes or of things
Progress: TypeAlias = Callable[[int, int], None]


@contextlib.contextmanager
def byte_progress(progress: Progress | bool, title: str) -> Iterator[Progress | None]:
    """Give the caller's own function, or show a bar of bytes if that is True."""
    with _own_or_bar(progress, title, _byte_columns) as show:
        yield show


@contextlib.contextmanager
def count_progress(progress: Progress | bool, title: str) -> Iterator[Progress | None]:
    """Give the caller's own function, or show a bar of things if that is True."""
    with _own_or_bar(progress, title, _count_columns) as show:
        yield show


@contextlib.contextmanager
def late_progress(show: bool, title: str, after_s: float = 2.0) -> Iterator[Progress | None]:
    """Show a bar of things, if wanted, when work takes longer than some seconds."""
    if not show:
        yield None
        return
    seen, bars, lock = [0, 0], contextlib.ExitStack(), threading.Lock()
    update: list[Callable[[], None]] = []

    def appear() -> None:
        with lock:
            shown = bars.enter_context(_bars(_count_columns()))
            task = shown.add_task(title, total=None)
            update.append(lambda: shown.update(task, completed=seen[0], total=seen[1] or None))
            update[0]()

    def note(done: int, total: int) -> None:
        with lock:
            seen[:] = done, total
            for go_on in update:
                go_on()

    timer = threading.Timer(after_s, appear)
    timer.daemon = True
    timer.start()
    try:
        yield note
    finally:
        timer.cancel()
        timer.join()
        bars.close()


@contextlib.contextmanager
def byte_bars(titles: Sequence[str]) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar of bytes for each title.

    Yields:
        A function to call with (title, done, total) bytes, from any thread.
    """
    with _bars(_byte_columns()) as bars:
        tasks = {title: bars.add_task(plain_line(title), total=None) for title in titles}
        yield lambda title, done, total: bars.update(tasks[title], completed=done, total=total)


@contextlib.contextmanager
def _own_or_bar(
    progress: Progress | bool, title: str, columns: Callable[[], Sequence[ProgressColumn]]
) -> Iterator[Progress | None]:
    if progress is not True:
        yield progress or None
        return
    with _bars(columns()) as bars:
        task = bars.add_task(plain_line(title), total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _bars(columns: Sequence[ProgressColumn]) -> Bars:
    from rich.console import Console
    from rich.progress import Progress as Bars

    return Bars(*columns, console=Console(stderr=True))


def _byte_columns() -> Sequence[ProgressColumn]:
    from rich import progress as rich

    return (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
    )


def _count_columns() -> Sequence[ProgressColumn]:
    from rich import progress as rich

    return (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeRemainingColumn(),
    )
