"""SUM of int8, which LiteRT's reference kernel reads as uint8, as SUM of uint8."""

from __future__ import annotations

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from relocatable.graph.graph import Graph
from relocatable.ops import OPERATORS
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.reduction import reduction_sample
from relocatable.ops.node import Node
from relocatable.support import check_support
from tests.make_tflite import make_tflite
from tests.numeric.harness import Array, build, describe, inputs_of, mismatch


def test_sums_of_int8() -> None:
    rng = np.random.default_rng(65)
    graphs = []
    for _ in range(60):
        quant = random_quant(rng)
        other = random_quant(rng) if rng.random() < 0.7 else quant
        graphs.append(reduction_sample(rng, "SUM", "int8", quant, other))
    evaluate = OPERATORS["SUM"].evaluate
    assert evaluate is not None
    for graph, program in zip(graphs, build(graphs, "size"), strict=True):
        check_support(graph)
        [x] = inputs_of(rng, graph)
        found = program.run([x])[graph.outputs[0]]
        near = optimized(graph, x).astype(np.int64)
        assert np.abs(found - near).max() <= 1, describe(graph)  # which rounds otherwise
        node = Node.of(graph, graph.ops[0])
        meant = evaluate(node, [x, np.asarray(node.inputs[1].data)])
        assert mismatch(np.asarray(meant).reshape(found.shape), found) == "", describe(graph)


def optimized(graph: Graph, x: Array) -> Array:
    interpreter = Interpreter(
        model_content=make_tflite(graph),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
