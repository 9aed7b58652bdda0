"""How well a quantised model does, beside the model of floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host_sdk.errors import InputError, ShapeError
from host_sdk.inference.tensor import Array
from host_sdk.validation.litert import Reference
from host_sdk.validation.metrics import scores_of
from relocatable.graph.graph import Quant

__all__ = ["Score", "outputs_of", "score_of"]


@dataclass(frozen=True)
class Score:
    """The better of two has more right classes; of equals, the smaller error.

    Attributes:
        samples: how many were run.
        correct: how many of them gave their class; None: no classes are known.
        error: mean absolute difference of the first output from the model of floats.
    """

    samples: int
    correct: int | None
    error: float

    @property
    def accuracy(self) -> float | None:
        """The share of right classes."""
        return None if self.correct is None else self.correct / self.samples

    def __gt__(self, other: Score) -> bool:
        return (self.correct or 0, -self.error) > (other.correct or 0, -other.error)


def outputs_of(tflite: bytes, x: Array, fast: bool = True) -> Array:
    """Run a model on samples; give its first output, real values [N, ...].

    Args:
        tflite: one input; floats, or integers with a scale: they get the real values quantised.
        x: float32 [N, ...], without the batch.
        fast: by LiteRT's fast kernels, which may differ from its reference kernels in a last bit.

    Raises:
        ShapeError: a sample does not fit the input.
        InputError: the model has several inputs, or there is no sample.
        ModelFileError: LiteRT cannot run the model.
        ImportError: LiteRT is not installed.
    """
    from relocatable.read_tflite import read_tflite

    graph = read_tflite(tflite, "model")
    if len(graph.inputs) != 1 or len(x) == 0:
        raise InputError(f"needs one input and a sample; {len(graph.inputs)} and {len(x)}")
    into, out = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    if tuple(into.shape[1:]) != x.shape[1:] and int(np.prod(into.shape)) != x[0].size:
        raise ShapeError(f"samples must be {list(into.shape[1:])}; are {list(x.shape[1:])}")
    found = []
    with Reference(tflite, fast=fast) as reference:
        for sample in x:
            given = _quantized(sample.reshape(into.shape), into.dtype, into.quant)
            found.append(_real(reference.run([given])[0], out.quant))
    return np.stack(found)


def score_of(outputs: Array, wanted: Array, y: npt.NDArray[np.int64] | None) -> Score:
    """Compare outputs with those of the model of floats.

    Args:
        outputs: real values [N, ...].
        wanted: of the model of floats, likewise.
        y: the class of each, or None.
    """
    correct = None
    if y is not None:
        firsts = [int(scores_of(one).argmax()) for one in outputs]
        correct = int(np.count_nonzero(np.array(firsts) == y[: len(outputs)]))
    return Score(len(outputs), correct, float(np.abs(outputs - wanted).mean()))


def _quantized(sample: Array, dtype: str, quant: Quant | None) -> Array:
    if quant is None:
        return sample.astype(dtype)
    room = np.iinfo(dtype)
    q: Array = np.round(sample / quant.scale[0]) + quant.zero_point[0]
    return np.clip(q, room.min, room.max).astype(dtype)


def _real(values: Array, quant: Quant | None) -> Array:
    if quant is None:
        return values.astype(np.float32)
    real: Array = (values.astype(np.float64) - quant.zero_point[0]) * quant.scale[0]
    return real.astype(np.float32)
