"""Makes models of ONNX, and their outputs; run by the Python of onnx2tf.

python make_onnx.py FOLDER

Outputs are those of ONNX's own reference evaluator, which shares nothing with onnx2tf.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

onnx: Any = import_module("onnx")
reference: Any = import_module("onnx.reference")
node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
FLOAT, DOUBLE = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE
draw = np.random.default_rng(14)


def weights(**shapes: tuple[int, ...]) -> list[Any]:
    """Draw constants."""
    return [
        onnx.numpy_helper.from_array((draw.standard_normal(s) * 0.3).astype("float32"), n)
        for n, s in shapes.items()
    ]


def model(name: str, nodes: Any, inputs: Any, outputs: Any, held: Any = ()) -> Any:
    """Make a model."""
    graph = onnx.helper.make_graph(nodes, name, inputs, outputs, list(held))
    version = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=version, ir_version=8)


def photo() -> Any:
    """Make a network of pictures whose batch is open: stride, padding, groups."""
    nodes = [
        node("Conv", ["picture", "w1", "b1"], ["c1"], pads=[1] * 4, strides=[2, 2]),
        node("Relu", ["c1"], ["r1"]),
        node("Conv", ["r1", "w2", "b2"], ["c2"], group=8),
        node("Relu", ["c2"], ["r2"]),
        node("MaxPool", ["r2"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["p"], ["f"]),
        node("Gemm", ["f", "w3", "b3"], ["g"], transB=1),
        node("Softmax", ["g"], ["answer"], axis=1),
    ]
    shapes: dict[str, tuple[int, ...]] = {"w1": (8, 3, 3, 3), "b1": (8,), "w2": (8, 1, 3, 3)}
    held = weights(**shapes, b2=(8,), w3=(5, 72), b3=(5,))
    shape = value("picture", FLOAT, ["n", 3, 16, 16])
    return model("photo", nodes, [shape], [value("answer", FLOAT, ["n", 5])], held)


def plane() -> Any:
    """Make one whose output is a picture, too."""
    inputs, outputs = value("x", FLOAT, [1, 3, 8, 8]), value("y", FLOAT, [1, 4, 8, 8])
    nodes = [node("Conv", ["x", "w", "b"], ["y"], pads=[1] * 4)]
    return model("plane", nodes, [inputs], [outputs], weights(w=(4, 3, 3, 3), b=(4,)))


def pair() -> Any:
    """Make one with two inputs, whose order is not that of their names."""
    inputs = [value("b", FLOAT, ["n", 3]), value("a", FLOAT, ["n", 7])]
    nodes = [node("Gemm", ["a", "w"], ["h"]), node("Add", ["h", "b"], ["y"])]
    return model("pair", nodes, inputs, [value("y", FLOAT, ["n", 3])], weights(w=(7, 3)))


def signal() -> Any:
    """Make one of a signal, [batch, channels, time], whose order stays."""
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["p"]),
        node("Flatten", ["p"], ["y"]),
    ]
    inputs, outputs = value("x", FLOAT, ["n", 4, 32]), value("y", FLOAT, ["n", 5])
    return model("signal", nodes, [inputs], [outputs], weights(w=(5, 4, 3)))


def refused() -> dict[str, Any]:
    """Make those that cannot be converted."""
    x, y = value("x", FLOAT, [1, 4, 4]), value("y", FLOAT, [1])
    wide = value("x", FLOAT, ["n", 3, "high", "wide"])
    dense = weights(w=(7, 3))
    lost = [node("MatMul", ["x", "w"], ["h"]), node("Add", ["h", "x2"], ["s"])]
    return {
        "unknown": model("unknown", [node("Det", ["x"], ["y"])], [x], [y]),
        "open_shape": model("open_shape", [node("Relu", ["x"], ["y"])], [wide], [y]),
        "double": model(
            "double",
            [node("Relu", ["x"], ["y"])],
            [value("x", DOUBLE, [1, 4])],
            [value("y", DOUBLE, [1, 4])],
        ),
        "lost": model(
            "lost",
            [*lost, node("Relu", ["s"], ["y"])],
            [value("x", FLOAT, [1, 7]), value("x2", FLOAT, [1, 3])],
            [value("s", FLOAT, [1, 3]), value("y", FLOAT, [1, 3])],
            dense,
        ),
    }


def main() -> None:
    """Write all of them into a folder."""
    folder = Path(sys.argv[1])
    for made in (photo(), plane(), pair(), signal()):
        name = made.graph.name
        onnx.save(made, str(folder / f"{name}.onnx"))
        feed = {}
        for one in made.graph.input:
            sizes = [dim.dim_value or 1 for dim in one.type.tensor_type.shape.dim]
            feed[one.name] = draw.random(sizes).astype("float32")
        outputs = reference.ReferenceEvaluator(made).run(None, feed)
        kept = {f"input_{i}": feed[one.name] for i, one in enumerate(made.graph.input)}
        kept |= {f"output_{i}": output for i, output in enumerate(outputs)}
        np.savez(folder / f"{name}.npz", **kept)  # type: ignore[arg-type]
    for name, made in refused().items():
        onnx.save(made, str(folder / f"{name}.onnx"))
    same = onnx.load(str(folder / "photo.onnx"))
    onnx.save(same, str(folder / "apart.onnx"), save_as_external_data=True, size_threshold=0)


if __name__ == "__main__":
    main()
