"""MAX_POOL_2D, AVERAGE_POOL_2D, MEAN against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numeric.harness import check, sample


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("kind", ["MAX_POOL_2D", "AVERAGE_POOL_2D"])
def test_pools(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(21)
    check([sample(rng, kind, dtype) for _ in range(25)], "size")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_mean(dtype: str) -> None:
    rng = np.random.default_rng(22)
    check([sample(rng, "MEAN", dtype) for _ in range(40)], "size")
