"""What is predicted of boards that nobody has measured: `predictions.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from host_sdk.selftest.checks import Band

_FILE = Path(__file__).with_name("predictions.toml")


@cache
def predictions() -> Mapping[str, Mapping[str, Band]]:
    """Return the bands of each check, by what a board calls itself."""
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        board: {name: (float(low), float(high)) for name, (low, high) in bands.items()}
        for board, bands in table.items()
    }


def bands_of(board: str) -> Mapping[str, Band]:
    """Return what is predicted of a board; nothing if it is not known."""
    return predictions().get(board, {})
