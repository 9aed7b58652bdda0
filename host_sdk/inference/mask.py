"""The mask that a head found as runs of equal pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from host_sdk.errors import InputError
from host_sdk.inference.tensor import Array

_FIELDS = ("number", "row", "start", "length")


def mask_of(found: Sequence[tuple[Any, ...]], shape: tuple[int, int]) -> Array:
    """Draw runs into a mask.

        mask = mask_of(board.run_head(picture), (64, 64))

    Args:
        found: items with the fields `number`, `row`, `start` and `length`, whatever head gave them.
        shape: (rows, columns) of the mask, as the model's output has them.

    Returns:
        int16 [rows, columns]: the number of the run's class, -1 outside of all runs.

    Raises:
        InputError: the items have other fields, or a run lies outside of the mask.
    """
    mask = np.full(shape, -1, np.int16)
    for item in found:
        if not all(hasattr(item, field) for field in _FIELDS):
            raise InputError(f"items must have the fields {', '.join(_FIELDS)}; one is {item!r}")
        number, row, start, length = (int(getattr(item, field)) for field in _FIELDS)
        in_row = 0 <= row < shape[0] and 0 <= start <= start + length <= shape[1]
        if not in_row:
            raise InputError(f"a run must lie in the mask's {shape[0]} x {shape[1]}; is {item!r}")
        mask[row, start : start + length] = number
    return mask
