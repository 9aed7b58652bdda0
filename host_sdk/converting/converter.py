"""A program that converts models: how it is started, and what installs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Converter:
    """A converter, a process of its own.

    Attributes:
        name: of the tool, for errors.
        command: gives the words that start it; raises `ToolMissingError`.
        install: the command that installs it.
        own_packages: it runs in an environment of its own, where nothing of ours may be imported.
    """

    name: str
    command: Callable[[], tuple[str, ...]]
    install: str
    own_packages: bool = False
