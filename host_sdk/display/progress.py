"""Progress bars."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from host_sdk.store.upload import Progress as ProgressFunction


@contextlib.contextmanager
def upload_bar(title: str) -> Iterator[ProgressFunction]:
    """Shows a bar while it is open.

    Yields:
        A function to call with (done, total) bytes.
    """
    with _bar(title, _upload_columns()) as show:
        yield show


@contextlib.contextmanager
def upload_bars(titles: Sequence[str]) -> Iterator[Callable[[str, int, int], None]]:
    """Shows a bar for each title while it is open.

    Yields:
        A function to call with (title, done, total) bytes, from any thread.
    """
    with Progress(*_upload_columns(), console=Console(stderr=True)) as bars:
        tasks = {title: bars.add_task(title, total=None) for title in titles}
        yield lambda title, done, total: bars.update(tasks[title], completed=done, total=total)


def _upload_columns() -> tuple[ProgressColumn, ...]:
    return (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )


@contextlib.contextmanager
def count_bar(title: str) -> Iterator[ProgressFunction]:
    """Shows a bar while it is open.

    Yields:
        A function to call with (done, total) of things.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with _bar(title, columns) as show:
        yield show


@contextlib.contextmanager
def counting(progress: ProgressFunction | bool, title: str) -> Iterator[ProgressFunction | None]:
    """The caller's own function; a bar, where it is True."""
    if progress is True:
        with count_bar(title) as show:
            yield show
    else:
        yield progress or None


@contextlib.contextmanager
def _bar(title: str, columns: tuple[ProgressColumn, ...]) -> Iterator[ProgressFunction]:
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
