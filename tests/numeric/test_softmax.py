"""SOFTMAX against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numeric.harness import check, sample


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_softmax(dtype: str) -> None:
    rng = np.random.default_rng(51)
    check([sample(rng, "SOFTMAX", dtype) for _ in range(40)], "size", runs=3)
