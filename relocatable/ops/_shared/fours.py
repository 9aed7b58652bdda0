"""The filters of xn_mve_fours.h."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def in_fours(weights: npt.NDArray[np.generic], lanes: int) -> npt.NDArray[np.generic]:
    """Order filters, [C, ..], by fours: some values of each in turn, then the rest.

    Args:
        weights: the filters.
        lanes: values in turn.

    Returns:
        [C / 4, 4 * K], rounded up; filters that are not there are 0.
    """
    rows = weights.reshape(len(weights), -1)
    fours = np.pad(rows, ((0, -len(rows) % 4), (0, 0))).reshape(-1, 4, rows.shape[1])
    whole = rows.shape[1] // lanes * lanes
    blocks = fours[:, :, :whole].reshape(len(fours), 4, -1, lanes).transpose(0, 2, 1, 3)
    parts = (blocks, fours[:, :, whole:])
    return np.concatenate([part.reshape(len(fours), -1) for part in parts], axis=1)
