"""A progress bar for uploads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from host_sdk.upload import Progress as ProgressFunction


@contextlib.contextmanager
def upload_bar(title: str) -> Iterator[ProgressFunction]:
    """Shows a bar while it is open.

    Yields:
        A function to call with (done, total) bytes.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
