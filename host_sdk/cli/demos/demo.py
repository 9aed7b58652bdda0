"""What a demo is: a title, and what it does with a virtual board."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from host_sdk.cli.common import console
from host_sdk.errors import InputError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
OUTPUT = Path("out")


@dataclass(frozen=True)
class Demo:
    """A demo; a module of this folder has one as `DEMO`, and gives it its name.

    Attributes:
        title: one line.
        run: gets the URL of a board, such as "sim://cortex-m55".
    """

    title: str
    run: Callable[[str], None]


def example(path: str) -> Path:
    """Find a file of the examples.

    Raises:
        InputError: this is no clone of the repository.
    """
    if not (EXAMPLES / path).exists():
        raise InputError(f"the demo's {path} comes with a clone of the repository")
    return EXAMPLES / path


def say(text: str) -> None:
    """Print what happens next."""
    from rich.markup import escape

    console().print(f"[bold green]•[/] {escape(text)}")
