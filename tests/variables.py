"""Models whose variables LiteRT keeps in resources, written with LiteRT's schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Op, Tensor
from tests.make_tflite import make_tflite

Array = np.ndarray[Any, np.dtype[Any]]


class VariableBuilder(GraphBuilder):
    """A graph as in a file, with handles of variables.

    Args:
        initial: values of the variables before the first run, by their names.
    """

    def __init__(self, initial: Mapping[str, Array]) -> None:
        super().__init__()
        self.initial = initial
        self.handles = {name: self.handle(name) for name in initial}

    def handle(self, name: str) -> int:
        """Add a VAR_HANDLE."""
        self.tensors.append(Tensor(f"{name}_handle", (), "resource"))
        handle = len(self.tensors) - 1
        attrs = {"container": "", "shared_name": name}
        self.ops.append(Op("VAR_HANDLE", "", (), (handle,), attrs))
        return handle

    def read(self, name: str, value: int) -> int:
        """Add a READ_VARIABLE into a tensor."""
        return self.op("READ_VARIABLE", (self.handles[name],), value)

    def assign(self, name: str, value: int) -> None:
        """Add an ASSIGN_VARIABLE."""
        self.ops.append(Op("ASSIGN_VARIABLE", "", (self.handles[name], value), ()))

    def model(self, *outputs: int, edit: Callable[[Any], None] | None = None) -> bytes:
        """Write the file: the graph, and a subgraph that is called once."""
        once = Op("CALL_ONCE", "", (), (), {"init_subgraph_index": 1})
        graph = self.graph(*outputs)
        main = Graph("main", graph.tensors, (once, *graph.ops), graph.inputs, outputs)
        init = GraphBuilder()
        for name, values in self.initial.items():
            value = init.constant(values, str(values.dtype))
            handle = VariableBuilder.handle(init, name)  # type: ignore[arg-type]
            init.ops.append(Op("ASSIGN_VARIABLE", "", (handle, value), ()))
        return make_tflite(main, edit, [init.graph()])


def streaming_model(steps: int = 5, features: int = 8, channels: int = 12) -> bytes:
    """Write a small network of the shape of streaming keyword spotters.

    Two rings of the last frames, each read, extended, cut and assigned, then convolved.
    """
    from relocatable.graph.graph import Quant

    rng = np.random.default_rng(7)
    quant, inner, weights = Quant((0.1,), (-128,)), Quant((0.5,), (-128,)), Quant((0.01,), (0,))
    rings = {
        "stream": np.full((1, 2, 1, features), -128, np.int8),
        "stream_1": rng.integers(-128, 128, (1, steps - 1, 1, channels), np.int8),
    }
    b = VariableBuilder(rings)
    x = b.input(1, 3, features, quant=quant)
    frames = b.tensor(1, 3, 1, features, quant=quant)
    b.op("RESHAPE", (x, b.constant([1, 3, 1, features])), frames)
    ring = b.read("stream", b.tensor(1, 2, 1, features, quant=quant))
    ring_1 = b.read("stream_1", b.tensor(1, steps - 1, 1, channels, quant=inner))
    all_frames = _extend(b, "stream", ring, frames, 5, 2)
    filters = rng.integers(-127, 128, (channels, 5, 1, features), np.int8)
    conv = b.tensor(1, 1, 1, channels, quant=inner)
    b.op(
        *("CONV_2D", (all_frames, b.constant(filters, "int8", weights), _zeros(b, channels)), conv),
        **_LAYER,
    )
    whole = _extend(b, "stream_1", ring_1, conv, steps, steps - 1)
    filters = rng.integers(-127, 128, (1, steps, 1, channels), np.int8)
    y = b.tensor(1, 1, 1, channels, quant=Quant((0.4,), (3,)))
    b.op(
        "DEPTHWISE_CONV_2D",
        (whole, b.constant(filters, "int8", weights), _zeros(b, channels)),
        y,
        depth_multiplier=1,
        **_LAYER,
    )

    def sign(model: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
        for names, tensor, name in (("inputs", x, b"frames"), ("outputs", y, b"scores")):
            one = schema.TensorMapT()
            one.name, one.tensorIndex = name, tensor
            setattr(signature, names, [one])
        model.signatureDefs = [signature]

    return b.model(y, edit=sign)


_LAYER: dict[str, Any] = {
    "padding": "VALID",
    "stride_w": 1,
    "stride_h": 1,
    "dilation_w_factor": 1,
    "dilation_h_factor": 1,
    "fused_activation_function": "NONE",
}


def _zeros(b: GraphBuilder, count: int) -> int:
    return b.constant(np.zeros(count, np.int32), "int32")


def _extend(b: VariableBuilder, name: str, ring: int, new: int, rows: int, kept: int) -> int:
    """Put new rows behind a ring, and keep the last ones."""
    *_, width = b.tensors[new].shape
    quant = b.tensors[new].quant
    whole = b.tensor(1, rows, 1, width, quant=quant)
    b.op("CONCATENATION", (ring, new), whole, axis=1, fused_activation_function="NONE")
    part = b.tensor(1, kept, 1, width, quant=quant)
    cut = [b.constant(v) for v in ([0, rows - kept, 0, 0], [0, rows, 0, 0], [1, 1, 1, 1])]
    masks = {"begin_mask": 13, "end_mask": 13, "ellipsis_mask": 0, "new_axis_mask": 0}
    b.op("STRIDED_SLICE", (whole, *cut), part, **masks, shrink_axis_mask=0, offset=False)
    b.assign(name, part)
    return whole
