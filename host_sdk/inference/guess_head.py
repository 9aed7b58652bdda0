"""A head that is guessed: said aloud, and kept as the model's TOML file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import relocatable
from host_sdk.display.plain import plain_line
from host_sdk.errors import InputError

AUTO = "auto"


def settle_guess(tflite: bytes, path: Path | None, ops: str | None) -> Mapping[str, Any]:
    """Guess a model's head, say why, and write the TOML file beside the model.

    Args:
        tflite: the model.
        path: of its file, beside which the TOML file is written; None: nothing is.
        ops: folder of operators of your own.

    Returns:
        The head's description.

    Raises:
        RelocatableError: the model is refused, or its head cannot be guessed.
        InputError: there is another TOML file already, or none can be written.
    """
    guessed = relocatable.guess_head(tflite, ops)
    _say(f"head {guessed.kind}: {guessed.why}")
    for point in guessed.open_points:
        _say(f"  to check: {point}")
    if path is not None:
        _keep(path.with_suffix(".toml"), guessed.toml())
    return guessed.description


def _keep(path: Path, text: str) -> None:
    try:
        if path.exists():
            if path.read_text(encoding="utf-8") != text:
                raise InputError(
                    f"head {AUTO} must have no other TOML file beside the model; {path} is there. "
                    "Move it away, or leave the head out: then it is taken"
                )
            return
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise InputError(f"head {AUTO} must be able to write {path}; {error}") from error
    _say(f"  written to {path}")


def _say(text: str) -> None:
    print(plain_line(text, 500), file=sys.stderr)
