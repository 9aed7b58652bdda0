"""A head compiled for this machine, behind a network that gives out its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from relocatable.blob.host import HostModel
from relocatable.blob.metadata import result_record
from relocatable.compile import build_blob, schedule
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Quant
from relocatable.heads import head_calls, load_head
from relocatable.targets import TARGETS
from tests.make_graph import GraphBuilder

INT8 = Quant((1 / 256,), (-128,))
UINT8 = Quant((1 / 255,), (0,))
WIDE = Quant((1 / 16,), (-20,))
SCALES = {"int8": INT8, "uint8": UINT8, "float32": None}

# Shape, dtype and scale of an output.
OutputKind = tuple[tuple[int, ...], str, Quant | None]


def outputs_graph(*outputs: OutputKind) -> Graph:
    """Make a network whose outputs are its inputs: shape, dtype and scale of each."""
    b = GraphBuilder()
    tensors = [b.input(*shape, dtype=dtype, quant=quant) for shape, dtype, quant in outputs]
    return b.graph(*tensors)


class HeadRunner:
    """A head at work on outputs that a test gives.

    Args:
        description: as in a TOML file.
        graph: whose inputs a test gives.
    """

    def __init__(self, description: Mapping[str, Any], graph: Graph) -> None:
        program = schedule(graph, load_head(description), [TARGETS["host"]])
        self.graph = graph
        self.model = HostModel(build_blob("test", program, "size").pack())
        self._results = [entry.result for entry in self.model.blob.entries]

    def find(self, *stored: np.ndarray) -> list[Any]:
        """Run the head: outputs stay as they are, and what follows the items is zeros."""
        self.model.write_inputs(list(stored))
        self.model.run(1)
        outputs = self.model.outputs()
        for seen, given in zip(outputs, stored[-len(outputs) :], strict=True):
            np.testing.assert_array_equal(seen, given)
        items, result = self.model.items(1), self.model.result(1)
        record = result_record(self.model.blob.metadata, self._results, 1)
        assert record is not None
        assert not any(result[4:16])
        assert not any(result[record.result_bytes(len(items)) :])
        return items

    def random(self, rng: np.random.Generator, index: int = 0) -> np.ndarray:
        """Make stored values of an input: of floats about 0, of integers any."""
        tensor = self.graph.tensors[self.graph.inputs[index]]
        if tensor.dtype == "float32":
            return rng.normal(0.3, 0.5, tensor.shape).astype(np.float32)
        return rng.integers(0, 256, tensor.shape, np.uint8).view(tensor.dtype)

    def real(self, stored: np.ndarray, index: int = 0) -> np.ndarray:
        """Compute the real values of stored ones, in single precision."""
        quant = self.graph.tensors[self.graph.inputs[index]].quant
        if quant is None:
            return stored
        whole = (stored.astype(np.int32) - quant.zero_point[0]).astype(np.float32)
        return np.asarray(np.float32(quant.scale[0]) * whole)


def assert_refused(
    description: Mapping[str, Any],
    message: str,
    *outputs: OutputKind,
) -> None:
    """Require that a head is refused for such outputs, when it is read or fitted."""
    graph = outputs_graph(*outputs)
    with pytest.raises(HeadError, match=message):
        head_calls(load_head(description), graph)
