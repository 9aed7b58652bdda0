"""Inputs and outputs that were kept beside a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from host_sdk.inference.tensor import Array


def expected(folder: Path, name: str) -> tuple[list[Array], list[Array]]:
    """Read inputs, and what the model's own tool makes of them."""
    kept = np.load(folder / f"{name}.npz")
    return tuple(  # type: ignore[return-value]
        [kept[key] for key in sorted(kept) if key.startswith(kind)] for kind in ("input", "output")
    )


def turned(values: Array) -> Array:
    """Put a picture's channels last."""
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1)) if values.ndim == 4 else values
