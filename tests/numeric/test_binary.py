"""ADD, SUB, MUL against LiteRT, with broadcast and constant operands."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numeric.harness import check, sample


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
def test_binary(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(31)
    check([sample(rng, kind, dtype) for _ in range(30)], "size")
