"""How well a quantised model does, beside the model of floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host_sdk.errors import InputError
from host_sdk.inference.tensor import Array, TensorInfo
from host_sdk.quantizing.float_model import FloatModel
from host_sdk.validation.litert import Reference
from host_sdk.validation.metrics import scores_of
from relocatable.graph.graph import Tensor
from relocatable.read_tflite import read_tflite

__all__ = ["Samples", "Score", "opened_outputs", "outputs_of", "samples_of", "score_of"]


@dataclass(frozen=True)
class Samples:
    """What a scheme may look at.

    Attributes:
        x: float32 [N, ...] as the model takes them, without the batch.
        y: the class of each, int64 [N]; None: not known.
        calibrate: how many of them tell the range of values.
        outputs: what the model of floats gives, real values [N, ...].
    """

    x: Array
    y: npt.NDArray[np.int64] | None
    calibrate: int
    outputs: Array


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


def samples_of(
    model: FloatModel, x: Array, y: npt.NDArray[np.int64] | None, calibrate: int
) -> Samples:
    """Run a model of floats on its samples.

    Args and Raises: see `Samples` and `outputs_of`.
    """
    return Samples(x, y, calibrate, outputs_of(model.tflite, x))


def outputs_of(tflite: bytes, x: Array) -> Array:
    """Run a model on samples; give its first output, real values [N, ...].

    By LiteRT's fast kernels, which may differ from its reference kernels in a last bit.

    Args:
        tflite: one input; floats, or integers with a scale: they get the real values quantised.
        x: float32 [N, ...], without the batch.

    Raises:
        ShapeError: a sample does not fit the input.
        InputError: the model has several inputs, or there is no sample.
        ModelFileError: LiteRT cannot run the model.
        ImportError: LiteRT is not installed.
    """
    with Reference(tflite, fast=True) as litert:
        return opened_outputs(litert, tflite, x)


def opened_outputs(litert: Reference, tflite: bytes, x: Array) -> Array:
    """Run a model that LiteRT has opened; see `outputs_of`."""
    graph = read_tflite(tflite, "model")
    if len(graph.inputs) != 1 or len(x) == 0:
        raise InputError(f"needs one input and a sample; {len(graph.inputs)} and {len(x)}")
    into, out = (_info(graph.tensors[i]) for i in (graph.inputs[0], graph.outputs[0]))
    return np.stack([out.dequantise(litert.run([into.fit(sample)])[0]) for sample in x])


def _info(tensor: Tensor) -> TensorInfo:
    scale = zero_point = None
    if tensor.quant is not None:
        scale, zero_point = tensor.quant.scale[0], tensor.quant.zero_point[0]
    return TensorInfo(tensor.name, tensor.shape, tensor.dtype, scale, zero_point)


def score_of(outputs: Array, samples: Samples) -> Score:
    """Compare a quantised model's outputs, real values [N, ...], with those of floats."""
    correct = None
    if samples.y is not None:
        firsts = [int(scores_of(one).argmax()) for one in outputs]
        correct = int(np.count_nonzero(np.array(firsts) == samples.y[: len(outputs)]))
    return Score(len(outputs), correct, float(np.abs(outputs - samples.outputs).mean()))
