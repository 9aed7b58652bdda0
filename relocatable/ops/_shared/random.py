"""Random values and scales, for samples of operators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relocatable.graph.graph import Quant
from relocatable.ops.operator import Array, Rng


def random_input(rng: Rng, shape: Sequence[int], dtype: str) -> Array:
    """Draw values over the whole range of an integer type; floats around 0."""
    if dtype == "float32":
        return rng.normal(0, 2, shape).astype(np.float32)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    info = np.iinfo(dtype)
    values = rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    if dtype in ("uint32", "uint64"):  # energies, of any number of bits
        return np.asarray(values >> rng.integers(0, info.bits, shape, dtype=dtype))
    return values


def random_quant(rng: Rng, dtype: str = "int8", spread: float = 1.0) -> Quant | None:
    """Draw a scale around 0.05 and any zero point; None for types without."""
    if dtype == "int16":
        return Quant((float(np.float32(np.exp(rng.normal(-9, spread)))),), (0,))
    if dtype not in ("int8", "uint8"):
        return None
    info = np.iinfo(dtype)
    scale = float(np.float32(np.exp(rng.normal(-3, spread))))
    ends = (info.min, info.max, 0)
    zero = (
        int(rng.integers(info.min, info.max + 1)) if rng.random() < 0.7 else int(rng.choice(ends))
    )
    return Quant((scale,), (zero,))
