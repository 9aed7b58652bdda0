"""A mask from the runs that a head found."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

from host_sdk import mask_of
from host_sdk.errors import InputError

Run = namedtuple("Run", ["label", "number", "row", "start", "length"])  # as read_items makes them


def test_runs_are_drawn_and_a_cut_list_leaves_the_rest() -> None:
    found = [Run("b", 1, 0, 0, 2), Run("c", 2, 0, 3, 1), Run("a", 0, 1, 1, 3), Run("b", 1, 2, 2, 0)]
    assert mask_of(found, (3, 4)).tolist() == [[1, 1, -1, 2], [-1, 0, 0, 0], [-1, -1, -1, -1]]
    assert mask_of([], (1, 2)).tolist() == [[-1, -1]]
    assert mask_of(found, (3, 4)).dtype == np.int16


@pytest.mark.parametrize(
    "run", [(0, 0, 5), (0, 3, 2), (3, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 2, -1)]
)
def test_a_run_outside_of_the_mask_is_refused(run: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="a run must lie in the mask's 3 x 4"):
        mask_of([Run("a", 0, *run)], (3, 4))


def test_items_of_another_head_are_refused() -> None:
    with pytest.raises(InputError, match="must have the fields number, row, start, length"):
        mask_of([(1, 2)], (3, 4))
