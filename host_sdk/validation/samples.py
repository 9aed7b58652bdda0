"""Samples as a model's inputs take them, and their labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import numpy as np
import numpy.typing as npt

from host_sdk.errors import DtypeError, InputError, ShapeError
from host_sdk.inference.model import Inputs, Model, Named, Normalisation
from host_sdk.inference.picture import to_input
from host_sdk.inference.tensor import Array, TensorInfo


class Samples:
    """Samples ready for a model, each made when it is asked for.

    Args:
        x: array [N, ...]; for a model of several inputs a tuple or list of such arrays, or a
            mapping of them by name (or x; x0, x1, ...). Of the input's own dtype the values are
            taken as they are; floats are real values and are quantised; uint8 for another dtype
            are pixels (`to_input`).
        model: whose inputs they are for.
        limit: take only the first ones.

    Raises:
        ShapeError, DtypeError: an array does not fit the model.
        InputError: there are no samples, or a name is unknown or missing.
    """

    def __init__(self, x: npt.ArrayLike | Inputs, model: Model, limit: int | None = None) -> None:
        self._model = model
        self._arrays = _by_input(x, model)
        counts = [len(a) for a in self._arrays]
        if len(set(counts)) > 1:
            found = (f"'{t.name}' {n}" for t, n in zip(model.inputs, counts, strict=True))
            raise ShapeError(
                f"all inputs must have the same number of samples; have {', '.join(found)}"
            )
        self._count = min(counts[0], limit if limit is not None else 1 << 62)
        if self._count < 1:
            raise InputError(f"there must be at least 1 sample; there are {self._count}")
        self[0]  # tells what does not fit before anything runs

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> list[Array]:
        """Give the inputs of one sample, each of its tensor's shape and dtype."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        pairs = zip(self._arrays, self._model.inputs, strict=True)
        return [_fit(a[index], tensor, self._model.image) for a, tensor in pairs]

    def __iter__(self) -> Iterator[list[Array]]:
        return (self[i] for i in range(self._count))

    def pixels(self, index: int) -> Array | None:
        """Give the sample as a picture uint8 [H, W] or [H, W, 3]; None if it is none."""
        sample = self._arrays[0][index]
        if sample.dtype != np.uint8 or sample.ndim not in (2, 3):
            return None
        if sample.ndim == 3 and sample.shape[2] == 1:
            sample = sample[:, :, 0]
        return sample if sample.ndim == 2 or sample.shape[2] == 3 else None


def _by_input(x: npt.ArrayLike | Inputs, model: Model) -> list[Array]:
    several = isinstance(x, (tuple, list)) and len(model.inputs) > 1
    given = _by_key(x, model) if isinstance(x, Mapping) else x if several else [x]
    arrays: list[Array] = [np.asarray(a) for a in model.in_order(cast("Inputs", given))]
    for array, tensor in zip(arrays, model.inputs, strict=True):
        if array.ndim == 0:
            raise ShapeError(f"input '{tensor.name}' must be an array [N, ...]; is one number")
    return arrays


def _by_key(arrays: Named, model: Model) -> Inputs:
    """Take arrays by the inputs' names, else x, else x0, x1, ..., else the only one."""
    numbered = [f"x{i}" for i in range(len(model.inputs))]
    if any(tensor.name in arrays for tensor in model.inputs):
        return arrays
    if len(model.inputs) == 1 and "x" in arrays:
        return [arrays["x"]]
    if set(numbered) == set(arrays):
        return [arrays[key] for key in numbered]
    return list(arrays.values()) if len(arrays) == 1 else arrays


def _fit(sample: Array, tensor: TensorInfo, image: Normalisation | None) -> Array:
    if sample.dtype == tensor.dtype or sample.dtype.kind == "f":
        return tensor.fit(sample)
    if sample.dtype != np.uint8 or tensor.dtype not in ("int8", "int16", "float32"):
        raise DtypeError(
            f"input '{tensor.name}' must be {tensor.dtype}, real values as floats, or pixels as "
            f"uint8; is {sample.dtype}"
        )
    pixels = _reshape(sample, tensor)
    return to_input(pixels, tensor, image)


def _reshape(sample: Array, tensor: TensorInfo) -> Array:
    as_real = TensorInfo(tensor.name, tensor.shape, "uint8")
    return as_real.fit(sample)


def read_labels(y: npt.ArrayLike, samples: int) -> npt.NDArray[np.int64]:
    """Read the class of each sample.

    Args:
        y: integers [N], or [N, 1].
        samples: how many there must be; more are cut off.

    Raises:
        DtypeError: not integers.
        ShapeError: too few, or another shape.
        InputError: one is negative.
    """
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind not in "iub":
        raise DtypeError(f"labels must be integers; are {labels.dtype}")
    if labels.ndim != 1 or len(labels) < samples:
        raise ShapeError(f"labels must be [{samples}], one for each sample; are {labels.shape}")
    if labels[:samples].min() < 0:
        raise InputError(f"labels must be 0 or more; one is {labels[:samples].min()}")
    return labels[:samples].astype(np.int64)
