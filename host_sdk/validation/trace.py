"""Every intermediate tensor of a run, beside what LiteRT's reference has for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np

from host_sdk.display.table import html_table, short_name, text_table
from host_sdk.inference.model import Model
from host_sdk.inference.model_source import ModelSource
from host_sdk.inference.tensor import Array, TensorInfo
from host_sdk.validation.board_runner import Runner, StepValues
from host_sdk.validation.litert import ReferenceTensor, differs, open_reference
from host_sdk.validation.metrics import Difference, DifferenceSum

_COLUMNS = ("tensor", "operator", "values", "µs", "max", "cosine", "bit-exact", "")
_NO_TENSOR = "not in the .tflite"
_STREAMED = "streamed: at no time whole in memory"


@dataclass(frozen=True)
class TraceRow:
    """A tensor that a step computed.

    Attributes:
        step: its index in the model.
        op: operator.
        us: how long the step took, microseconds.
        name: of the tensor.
        tensor: its shape and dtype.
        values: what the step computed; None where the tensor is streamed: made by rows, and at no
            time whole in memory.
        reference: what LiteRT's reference computes; None where it has no such tensor.
        difference: of the two; None where one is missing.
        differs: True where integers differ by a bit, or floats by more than 1e-5 of the largest.
    """

    step: int
    op: str
    us: int
    name: str
    tensor: TensorInfo
    values: Array | None = field(repr=False)
    reference: Array | None = field(repr=False)
    difference: Difference | None
    differs: bool


@dataclass(frozen=True, repr=False)
class Trace:
    """A run, tensor by tensor.

    Attributes:
        model: its name.
        place: what ran it.
        reference: "litert", or why it is absent.
        rows: in the order of the steps.
    """

    model: str
    place: str
    reference: str
    rows: tuple[TraceRow, ...]

    @property
    def first_difference(self) -> TraceRow | None:
        """The first layer that is not as the reference has it; None where all are."""
        return next((row for row in self.rows if row.differs), None)

    @property
    def compared(self) -> int:
        """How many tensors have a counterpart in the reference."""
        return sum(row.difference is not None for row in self.rows)

    @property
    def streamed(self) -> int:
        """How many tensors could not be looked at: at no time they are whole in memory."""
        return sum(row.values is None for row in self.rows)

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.reference != "litert":
            return f"not compared with LiteRT's reference: {self.reference}"
        first = self.first_difference
        if first is None:
            rest = f"; {self.streamed} more are streamed" if self.streamed else ""
            return f"all {self.compared} tensors are as in LiteRT's reference{rest}"
        return f"first differing layer: step {first.step} {first.op} '{short_name(first.name)}'"

    def to_json(self) -> dict[str, Any]:
        """Plain values, for json.dumps; without the tensors' values."""
        first = self.first_difference
        return {
            "model": self.model,
            "place": self.place,
            "reference": self.reference,
            "first_difference": first.name if first else None,
            "rows": [_plain(row) for row in self.rows],
        }

    def table(self) -> tuple[Sequence[str], list[list[str]]]:
        """Headings and cells, for printing."""
        missing = _NO_TENSOR if self.reference == "litert" else ""
        return _COLUMNS, [_cells(row, missing) for row in self.rows]

    @property
    def title(self) -> str:
        """The model, where it ran, and what was found."""
        return f"{self.model} on {self.place}: {self.verdict}"

    def __repr__(self) -> str:
        return text_table(self.title, *self.table())

    def _repr_html_(self) -> str:
        return html_table(self.title, *self.table())


def trace(
    runner: Runner,
    inputs: Sequence[Array],
    reference: str | None = "litert",
    tflite: ModelSource | None = None,
) -> Trace:
    """Traces a run; arguments as of `Device.trace`.

    Args:
        runner: runs the model.
        inputs: of the tensors' shapes and dtypes.
        reference: "litert" or "none".
        tflite: of the model.
    """
    oracle, why_not = open_reference(reference, tflite, keep_all=True)
    theirs = _Counterparts(oracle.tensors(inputs) if oracle else [])
    rows: list[TraceRow] = []
    for step, found in groupby(runner.trace(inputs), lambda values: values.step):
        rows += _step_rows(runner.model, step, list(found), theirs)
    return Trace(runner.model.name, runner.place, "litert" if oracle else why_not, tuple(rows))


def random_inputs(model: Model, seed: int = 1) -> list[Array]:
    """Inputs over the whole range of their dtypes; floats in 0..1. The same for the same seed."""
    rng = np.random.default_rng(seed)
    made: list[Array] = []
    for tensor in model.inputs:
        if tensor.dtype == "float32":
            made.append(rng.random(tensor.shape, np.float32))
        elif tensor.dtype == "bool":
            made.append(rng.random(tensor.shape) < 0.5)
        else:
            info = np.iinfo(tensor.dtype)
            made.append(rng.integers(info.min, info.max, tensor.shape, tensor.dtype, endpoint=True))
    return made


class _Counterparts:
    """Finds the reference's tensor of a name, a dtype and a size; each is taken once, in order."""

    def __init__(self, tensors: list[ReferenceTensor]) -> None:
        self._left = list(tensors)

    def take(self, name: str, ours: Array) -> Array | None:
        for i, tensor in enumerate(self._left):
            theirs = tensor.values
            same = (theirs.dtype, theirs.size) == (ours.dtype, ours.size)
            if tensor.name == short_name(name) and same:
                del self._left[i]
                return theirs.reshape(ours.shape)
        return None


def _step_rows(
    model: Model, step: int, found: list[StepValues], theirs: _Counterparts
) -> list[TraceRow]:
    """What a step computed, layer by layer."""
    by_tensor = {values.tensor: _row(model, values, theirs) for values in found}
    rows = []
    for layer in model.steps[step].layers:
        if layer.output is None:
            name, us = layer.tensor.name, found[0].us
            row = TraceRow(step, layer.op, us, name, layer.tensor, None, None, None, False)
        else:
            row = replace(by_tensor.pop(layer.output), op=layer.op)
        rows.append(row)
    return [*rows, *by_tensor.values()]


def _row(model: Model, step: StepValues, counterparts: _Counterparts) -> TraceRow:
    info = model.tensors[step.tensor].info
    theirs = counterparts.take(info.name, step.values)
    difference = None
    if theirs is not None:
        total = DifferenceSum(info)
        total.add(step.values, theirs)
        difference = total.result()
    return TraceRow(
        step=step.step,
        op=model.steps[step.step].op,
        us=step.us,
        name=info.name,
        tensor=info,
        values=step.values,
        reference=theirs,
        difference=difference,
        differs=theirs is not None and differs(step.values, theirs),
    )


def _plain(row: TraceRow) -> dict[str, Any]:
    return {
        "step": row.step,
        "op": row.op,
        "us": row.us,
        "name": row.name,
        "shape": list(row.tensor.shape),
        "dtype": row.tensor.dtype,
        "streamed": row.values is None,
        "differs": row.differs,
        "difference": asdict(row.difference) if row.difference else None,
    }


def _cells(row: TraceRow, missing: str) -> list[str]:
    shape = f"{row.tensor.dtype} {'x'.join(map(str, row.tensor.shape))}"
    start = [short_name(row.name), row.op, shape, f"{row.us:,}"]
    d = row.difference
    if d is None:
        return [*start, "", "", "", _STREAMED if row.values is None else missing]
    verdict = "differs" if row.differs else "same"
    most = f"{d.max_abs:.3g}" if d.max_steps is None else f"{d.max_steps} steps"
    figures = [most, f"{d.cosine:.6f}", f"{d.exact:.1%}"]
    return [*start, *figures, verdict]
