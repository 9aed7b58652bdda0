"""PAD, PADV2, CONCATENATION against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numeric.harness import check, sample


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("kind", ["PAD", "PADV2"])
def test_pads(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(61)
    check([sample(rng, kind, dtype) for _ in range(25)], "size")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_concatenation(dtype: str) -> None:
    rng = np.random.default_rng(62)
    check([sample(rng, "CONCATENATION", dtype) for _ in range(25)], "size")
