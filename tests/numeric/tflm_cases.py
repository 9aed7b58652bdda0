"""Cases of operators whose reference is TFLite Micro, and its results.

The committed tflm_vectors.npz is what `python -m tests.numeric.tflm_cases PYTHON` writes, where
PYTHON is an interpreter with NumPy and tflite-micro (a pre-release of PyPI, which is not needed
otherwise); the version that was asked is in the file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops import OPERATORS
from relocatable.ops._shared.fixed_point import quantize_multiplier, reduced, scale_of
from relocatable.ops.node import Node
from relocatable.read_tflite import read_tflite
from tests.make_tflite import make_tflite
from tests.numeric.harness import Array, inputs_of
from tests.numeric.packed import TYPES, packed_graph
from tests.numeric.signal_front_end import front_end, speech

VECTORS = Path(__file__).with_name("tflm_vectors.npz")
_CHILD = Path(__file__).with_name("tflm_child.py")


@dataclass(frozen=True)
class Case:
    """A model, the inputs of some runs, and the outputs, if they are known.

    Attributes:
        model: a .tflite.
        inputs: of each run.
        outputs: of each run, as TFLite Micro gives them.
    """

    model: bytes
    inputs: Sequence[Sequence[Array]]
    outputs: Sequence[Sequence[Array]] = ()

    @property
    def graph(self) -> Graph:
        """The model as it is compiled."""
        return read_tflite(self.model, "case")


def draw_cases(seed: int, number: int) -> list[Case]:
    """Draw models of each operator and element type, with signals of any loudness."""
    rng = np.random.default_rng(seed)
    cases = []
    for operator in OPERATORS.values():
        for dtype, sample in operator.samples.items():
            if operator.reference_for(dtype) != "TFLite Micro":
                continue
            for _ in range(number):
                graph = sample(rng, dtype)
                inputs = [
                    [_signal(rng, x) for x in inputs_of(rng, graph)]
                    for _ in range(2 if operator.memory is None else 8)
                ]
                cases.append(Case(make_tflite(graph, _keep_buffers), inputs))
    return cases + [
        Case(make_tflite(packed_graph(rng, method, dtype)), [[np.arange(4, dtype=np.int32)]])
        for method, dtypes in TYPES.items()
        for dtype in dtypes
        for _ in range(number)
    ]


def delicate_lstms(number: int) -> list[Case]:
    """Draw LSTMs whose factors depend on the precision of their scales' product."""
    rng, cases = np.random.default_rng(3), list[Case]()
    while len(cases) < number:
        graph = OPERATORS["UNIDIRECTIONAL_SEQUENCE_LSTM"].samples["int16"](rng, "int16")
        node = Node.of(graph, graph.ops[0])
        if any(_is_delicate(node, first, source) for first, source in ((1, 0), (5, 13))):
            cases.append(Case(make_tflite(graph), [inputs_of(rng, graph) for _ in range(3)]))
    return cases


def _is_delicate(node: Node, first: int, source: int) -> bool:
    one = scale_of(node.inputs[source])
    for weights in node.inputs[first : first + 4]:
        precise, single = float(scale_of(weights)) * float(one), float(scale_of(weights) * one)
        factors = [quantize_multiplier(x * 4096) for x in (precise, single)]
        if len({int(reduced(multiplier)) for multiplier, _ in factors}) > 1:
            return True
    return False


def _keep_buffers(model: Any) -> None:
    """Mark what a CIRCULAR_BUFFER writes as a variable: there TFLite Micro remembers."""
    sub = model.subgraphs[0]
    for op in sub.operators:
        if model.operatorCodes[op.opcodeIndex].customCode == "CIRCULAR_BUFFER":
            sub.tensors[op.outputs[0]].isVariable = True


def _signal(rng: np.random.Generator, x: Array) -> Array:
    """Make a signal quieter, or one of extremes, or leave it as it is."""
    if x.dtype.kind not in "iu" or not x.ndim:
        return x
    info = np.iinfo(x.dtype)
    if rng.random() < 0.2:
        extremes = [info.min, info.max, info.min + 1, info.max // 2, 0, 1, 2, 3]
        return rng.choice(np.array(extremes, x.dtype), x.shape)
    return np.asarray(x >> rng.integers(0, info.bits, dtype=x.dtype))


def ask_tflm(python: str, cases: Sequence[Case]) -> tuple[list[Case], str]:
    """Let TFLite Micro run cases; return them with outputs, and its version."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "models.npz"), Path(folder, "results.npz")
        np.savez_compressed(source, **_packed(cases))
        subprocess.run([python, str(_CHILD), str(source), str(target)], check=True)
        return read_vectors(target)


def _packed(cases: Sequence[Case]) -> dict[str, Any]:
    packed: dict[str, Any] = {}
    for i, case in enumerate(cases):
        packed[f"model{i}"] = np.frombuffer(case.model, np.uint8)
        packed[f"outputs{i}"] = np.array(len(case.graph.outputs))
        for what, runs in (("in", case.inputs), ("out", case.outputs)):
            for k, tensors in enumerate(zip(*runs, strict=True)):
                packed[f"{what}{i}.{k}"] = np.stack(tensors)
    return packed


def read_vectors(path: Path) -> tuple[list[Case], str]:
    """Read cases with outputs, and the version that made them."""
    with np.load(path) as file:
        given = dict(file)
    cases = []
    for i in takewhile(lambda i: f"model{i}" in given, count()):
        inputs, outputs = (
            list(zip(*_numbered(given, f"{what}{i}."), strict=True)) for what in ("in", "out")
        )
        cases.append(Case(given[f"model{i}"].tobytes(), inputs, outputs))
    return cases, str(given["version"])


def _numbered(given: Mapping[str, Array], before: str) -> list[Array]:
    keys = takewhile(given.__contains__, (f"{before}{k}" for k in count()))
    return [given[key] for key in keys]


def main(python: str) -> None:
    """Write the committed vectors: the front end, and some of each operator."""
    cases = [Case(make_tflite(front_end()), [[part] for part in speech(12)]), *draw_cases(1, 2)]
    cases += delicate_lstms(3)
    answered, version = ask_tflm(python, cases)
    packed = _packed(answered) | {"version": np.array(version)}
    np.savez_compressed(VECTORS, **packed)
    print(f"{len(answered)} cases of tflite-micro {version}, {VECTORS.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
