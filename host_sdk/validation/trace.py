"""Every intermediate tensor of a run, beside the one of LiteRT's reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from host_sdk.display.table import html_table, short_name, text_table
from host_sdk.inference.model import Model, Named
from host_sdk.inference.model_source import FileSource, HeadSource, ModelSource
from host_sdk.inference.tensor import Array, TensorInfo
from host_sdk.validation.host_runner import HostRunner
from host_sdk.validation.litert import ReferenceTensor, differs, open_reference
from host_sdk.validation.metrics import Difference, DifferenceSum
from host_sdk.validation.runner import Runner, StepValues

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
        values: what the step computed; None if the tensor is streamed: made by rows, and at no
            time whole in memory.
        reference: what LiteRT's reference computes; None if it has no such tensor.
        difference: of the two; None if one is missing.
        differs: True if integers differ by a bit, or floats by more than 1e-5 of the largest.
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
        """The first layer that is not as the reference has it; None if all are."""
        return next((row for row in self.rows if row.differs), None)

    @property
    def compared(self) -> int:
        """The number of tensors that have a counterpart in the reference."""
        return sum(row.difference is not None for row in self.rows)

    @property
    def streamed(self) -> int:
        """The number of tensors that are at no time whole in memory, to be looked at."""
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
        """Give plain values, for json.dumps; without the tensors' values."""
        first = self.first_difference
        return {
            "model": self.model,
            "place": self.place,
            "reference": self.reference,
            "first_difference": first.name if first else None,
            "rows": [_plain(row) for row in self.rows],
        }

    def table(self) -> tuple[Sequence[str], list[list[str]]]:
        """Give headings and cells, for printing."""
        missing = _NO_TENSOR if self.reference == "litert" else ""
        return _COLUMNS, [_cells(row, missing) for row in self.rows]

    @property
    def title(self) -> str:
        """The model, what ran it, and what was found."""
        return f"{self.model} on {self.place}: {self.verdict}"

    def __repr__(self) -> str:
        return text_table(self.title, *self.table())

    def _repr_html_(self) -> str:
        return html_table(self.title, *self.table())


def trace(
    runner: Runner,
    inputs: Sequence[Array],
    reference: str | None = "litert",
    tflite: FileSource | None = None,
) -> Trace:
    """Trace a run; arguments as of `Device.trace`.

    Args:
        runner: runs the model.
        inputs: of the tensors' shapes and dtypes.
        reference: "litert" or "none".
        tflite: of the model.
    """
    litert, skip_reason = open_reference(reference, tflite, keep_all=True)
    expected = _ExpectedTensors(litert.tensors(inputs) if litert else [])
    rows: list[TraceRow] = []
    for step, found in groupby(runner.trace(inputs), lambda values: values.step):
        rows += _step_rows(runner.model, step, list(found), expected)
    return Trace(runner.model.name, runner.place, "litert" if litert else skip_reason, tuple(rows))


def random_inputs(model: Model, seed: int = 1) -> list[Array]:
    """Make inputs over the range of their dtypes, floats in 0..1, fixed by the seed."""
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


def trace_on_host(
    model: ModelSource,
    *inputs: npt.ArrayLike | Named,
    reference: str | None = "litert",
    tflite: FileSource | None = None,
    head: HeadSource | None = None,
    ops: str | None = None,
    progress: bool = False,
    trust: bool = False,
) -> Trace:
    """Trace a run on this computer, as `Device.trace` does on a board.

    A .tflite is compiled with whole tensors: none is left out.

    Args:
        model: as for `validate_on_host`.
        inputs: one array for each input, or one mapping by name; none: random ones, always the
            same.
        reference: "litert" or "none".
        tflite: for the reference if the model is a blob.
        head: post-processing for a .tflite.
        ops: for a .tflite, see `Device.load_model`.
        progress: show a bar if compiling takes long.
        trust: see `Device.load_model`.
    """
    with HostRunner(model, head, whole_tensors=True, ops=ops, show=progress, trust=trust) as runner:
        known = runner.tflite if tflite is None else tflite
        arrays = runner.model.fit(inputs) if inputs else random_inputs(runner.model)
        return trace(runner, arrays, reference, known)


class _ExpectedTensors:
    """The reference's tensors, by name, dtype and size; each is taken once, in order."""

    def __init__(self, tensors: list[ReferenceTensor]) -> None:
        self._left = list(tensors)

    def take(self, name: str, actual: Array) -> Array | None:
        for i, tensor in enumerate(self._left):
            expected = tensor.values
            same = (expected.dtype, expected.size) == (actual.dtype, actual.size)
            if tensor.name == short_name(name) and same:
                del self._left[i]
                return expected.reshape(actual.shape)
        return None


def _step_rows(
    model: Model, step: int, found: list[StepValues], expected: _ExpectedTensors
) -> list[TraceRow]:
    """Give what a step computed, layer by layer."""
    by_tensor = {values.tensor: _row(model, values, expected) for values in found}
    us = found[0].us if found else 0
    rows = []
    for layer in model.steps[step].layers:
        # Metadata of others may name an output twice, or one that is not the step's.
        seen = None if layer.output is None else by_tensor.pop(layer.output, None)
        if seen is None:
            name = layer.tensor.name
            row = TraceRow(step, layer.op, us, name, layer.tensor, None, None, None, False)
        else:
            row = replace(seen, op=layer.op)
        rows.append(row)
    return [*rows, *by_tensor.values()]


def _row(model: Model, step: StepValues, tensors: _ExpectedTensors) -> TraceRow:
    info = model.tensors[step.tensor].info
    expected = tensors.take(info.name, step.values)
    difference = None
    if expected is not None:
        total = DifferenceSum(info)
        total.add(step.values, expected)
        difference = total.result()
    return TraceRow(
        step=step.step,
        op=model.steps[step.step].op,
        us=step.us,
        name=info.name,
        tensor=info,
        values=step.values,
        reference=expected,
        difference=difference,
        differs=expected is not None and differs(step.values, expected),
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
