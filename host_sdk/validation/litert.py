"""LiteRT's reference kernels, which say what a model should compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host_sdk.display.table import short_name
from host_sdk.errors import InputError, ModelFileError
from host_sdk.inference.model_source import ModelSource, is_tflite, read_model_file
from host_sdk.inference.tensor import Array
from relocatable.errors import RelocatableError

NO_TFLITE = "no .tflite is known of this model"
NOT_WANTED = "not asked for"
NOT_INSTALLED = "LiteRT is not installed: pip install 'xipnet[compile]'"


@dataclass(frozen=True)
class ReferenceTensor:
    """A tensor that an operator computes.

    Attributes:
        name: as in the .tflite, up to the first ';'.
        values: of the tensor's dtype.
    """

    name: str
    values: Array


class Reference:
    """A .tflite in LiteRT's interpreter with its reference kernels.

    Args:
        tflite: the file's bytes.
        keep_all: keep every tensor, for `tensors`.

    Raises:
        ImportError: LiteRT is not installed.
        ModelFileError: LiteRT cannot run the model.
    """

    def __init__(self, tflite: bytes, keep_all: bool = False) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._tflite = tflite
        try:
            self._interpreter: Any = Interpreter(
                model_content=tflite,
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                experimental_preserve_all_tensors=keep_all,
            )
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelFileError(f"LiteRT's reference cannot run the model: {error}") from error
        self._inputs = [d["index"] for d in self._interpreter.get_input_details()]
        self._outputs = [d["index"] for d in self._interpreter.get_output_details()]

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run the model; give the outputs, in their dtypes."""
        for index, x in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(index, x)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(i) for i in self._outputs]

    def tensors(self, inputs: Sequence[Array]) -> list[ReferenceTensor]:
        """Run the model; give every tensor that an operator computes, in their order."""
        from relocatable.read_tflite import read_tflite

        self.run(inputs)
        graph = read_tflite(self._tflite, "reference")
        found = []
        for i in (i for op in graph.ops for i in op.outputs):
            try:
                values = self._interpreter.get_tensor(i)
            except ValueError:  # one that LiteRT has no values of
                continue
            found.append(ReferenceTensor(short_name(graph.tensors[i].name), values.copy()))
        return found


def open_reference(
    wanted: str | None, tflite: ModelSource | None, keep_all: bool = False
) -> tuple[Reference | None, str]:
    """Open the reference; give None and the reason if there is none.

    Args:
        wanted: "litert", or "none" or None.
        tflite: the model's file or bytes, if known.
        keep_all: see `Reference`.

    Raises:
        InputError: another reference is wanted.
        ModelFileError: the file cannot be read or is no .tflite.
    """
    if wanted not in ("litert", "none", None):
        raise InputError(f"reference must be 'litert' or 'none'; is {wanted!r}")
    if wanted != "litert":
        return None, NOT_WANTED
    if tflite is None:
        return None, NO_TFLITE
    data = read_model_file(tflite)[1]
    if not is_tflite(data):
        place = "the given data" if isinstance(tflite, bytes) else str(Path(tflite))
        raise ModelFileError(f"the reference must be a .tflite; {place} is none")
    try:
        return Reference(data, keep_all), ""
    except ImportError:
        return None, NOT_INSTALLED
    except (ModelFileError, RelocatableError) as error:
        return None, str(error)


def differs(actual: Array, expected: Array) -> bool:
    """Return whether a tensor differs from the reference's.

    Integers differ by one bit, floats by more than 1e-5 of the reference's largest magnitude.
    """
    if expected.dtype.kind != "f":
        return not np.array_equal(actual, expected)
    finite = expected[np.isfinite(expected)]
    room = 1e-5 * float(np.abs(finite).max()) if finite.size else 0.0
    return not np.allclose(actual, expected, rtol=0.0, atol=room, equal_nan=True)
