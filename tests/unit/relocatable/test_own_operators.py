"""Operators of a user's own: the example, and what is not right."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from flatbuffers import flexbuffers

from host_sdk.cli import main
from relocatable import Blob, HostModel, compile_model
from relocatable.errors import OperatorError, UnsupportedError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Op
from relocatable.ops import OPERATORS
from tests.conftest import ROOT
from tests.make_tflite import make_tflite

EXAMPLE = ROOT / "examples" / "own_operators"
KIND = "CUSTOM ThresholdedRelu"


def model(theta: float | None = None, kind: str = KIND) -> bytes:
    """Write a model of two operators, one of them with options."""

    def add_options(file: object) -> None:
        builder = flexbuffers.Builder()
        with builder.Map():
            builder.Float("theta", theta)
        options = list(builder.Finish())
        file.subgraphs[0].operators[0].customOptions = options  # type: ignore[attr-defined]

    b = GraphBuilder()
    x = b.input(1, 4, 5, 3, dtype="float32")
    y = b.op(kind, (x,), b.tensor(1, 4, 5, 3, dtype="float32"))
    graph = b.graph(b.op("NEG", (y,), b.tensor(1, 4, 5, 3, dtype="float32")))
    return make_tflite(graph, add_options if theta is not None else None)


def outputs(blob: bytes, x: np.ndarray) -> np.ndarray:
    with HostModel(blob) as host:
        host.write_inputs([x])
        host.run()
        return host.outputs()[0]


@pytest.mark.parametrize("theta", [None, 0.25])
def test_the_example_compiles_and_runs(theta: float | None) -> None:
    x = np.random.default_rng(1).normal(0, 1, (1, 4, 5, 3)).astype(np.float32)
    blob = compile_model(model(theta), target="host", ops=EXAMPLE)
    assert [step["op"] for step in Blob.unpack(blob).metadata["steps"]] == [KIND, "NEG"]
    wanted = -np.where(x > (1 if theta is None else theta), x, np.float32(0))
    np.testing.assert_array_equal(outputs(blob, x), wanted)
    for target in ("cortex-m0plus", "cortex-m55"):
        compile_model(model(theta), target=target, ops=EXAMPLE, golden=False)


def test_the_page_shows_the_example() -> None:
    page = (ROOT / "docs" / "OWN-OPERATORS.md").read_text(encoding="utf-8")
    for path in (EXAMPLE / "thresholded_relu").glob("*.*"):
        assert path.read_text(encoding="utf-8") in page


def test_the_command_takes_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(model())
    blob = tmp_path / "model.bin"
    command = ["build", str(file), "-o", str(blob), "--target", "cortex-m4", "--ops", str(EXAMPLE)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert blob.stat().st_size > 0


def test_its_rules_are_asked() -> None:
    with pytest.raises(UnsupportedError, match="theta must be finite; is inf"):
        compile_model(model(float("inf")), target="host", ops=EXAMPLE)


def test_nothing_is_left_of_a_folder() -> None:
    compile_model(model(), target="host", ops=EXAMPLE, golden=False)
    assert KIND not in OPERATORS
    with pytest.raises(UnsupportedError, match="CUSTOM ThresholdedRelu"):
        compile_model(model(), target="host")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the example."""
    shutil.copytree(EXAMPLE, tmp_path / "ops", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "ops"


def test_two_folders_have_operators_of_the_same_name(folder: Path) -> None:
    kernel = folder / "thresholded_relu" / "thresholded_relu.c"
    kernel.write_text(kernel.read_text().replace(": 0.0f", ": 7.0f"))
    x = np.zeros((1, 4, 5, 3), np.float32)
    for ops, wanted in ((EXAMPLE, 0), (folder, -7), (EXAMPLE, 0)):
        blob = compile_model(model(), target="host", ops=ops, golden=False)
        assert (outputs(blob, x) == wanted).all()


def test_a_changed_folder_is_read_again(folder: Path) -> None:
    compile_model(model(), target="host", ops=folder, golden=False)
    module = folder / "thresholded_relu" / "__init__.py"
    module.write_text(module.read_text().replace("ThresholdedRelu", "AnotherThresholdedRelu"))
    compile_model(model(kind="CUSTOM AnotherThresholdedRelu"), target="host", ops=folder)


def test_folders_may_share_modules(folder: Path) -> None:
    module = folder / "thresholded_relu" / "__init__.py"
    (folder / "_shared.py").write_text('FLOAT = ("float32",)\n')
    text = module.read_text().replace('FLOAT = ("float32",)', "from .._shared import FLOAT")
    module.write_text(text)
    compile_model(model(), target="host", ops=folder, golden=False)


OPERATOR = "Operator(kind='{}', operands=(), output=('float32',), shape=None, evaluate=print)"
WRONG = {
    "raise KeyError('x')": "thresholded_relu: must be importable; KeyError: 'x'",
    "import no_such_module": "must be importable; ModuleNotFoundError",
    "def f(:": "must be importable; SyntaxError",
    "": "OPERATORS must be a tuple of operators; is None",
    "OPERATORS = (1,)": "OPERATORS must hold Operator values; has 1",
    f"OPERATORS = ({OPERATOR.format('ADD')},)": "ADD must be new; is known",
    f"OPERATORS = ({OPERATOR.format('X')},) * 2": "X must be new; is known",
    f"OPERATORS = ({OPERATOR.format('X').replace('print', 'None')},)": "kernels or a meaning",
    f"OPERATORS = ({OPERATOR.format('X').replace('float32', 'f32')},)": "element types must be of",
    f"OPERATORS = ({OPERATOR.format('X')[:-1]}, rules=(lambda node: 1,)),)": "have a docstring",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_folder_that_is_not_right_is_refused(text: str, folder: Path) -> None:
    module = folder / "thresholded_relu" / "__init__.py"
    module.write_text(f"from relocatable.ops.operator import Operator\n{text}\n")
    with pytest.raises(OperatorError) as caught:
        compile_model(model(), target="host", ops=folder)
    assert WRONG[text] in str(caught.value)


def test_a_kernel_that_is_not_right_is_refused(folder: Path) -> None:
    module = folder / "thresholded_relu" / "__init__.py"
    text = module.read_text()
    module.write_text(text.replace("thresholded_relu.c", "another.c"))
    with pytest.raises(OperatorError, match=r"thresholded_relu/another.c is none"):
        compile_model(model(), target="host", ops=folder)
    module.write_text(text.replace("site.count", "site.counts"))
    with pytest.raises(OperatorError, match="must be lowered; AttributeError"):
        compile_model(model(), target="host", ops=folder)


def test_what_is_no_folder_of_operators_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="must have a folder with an operator"):
        compile_model(model(), target="host", ops=tmp_path)
    with pytest.raises(OperatorError, match="must be a folder of operators"):
        compile_model(model(), target="host", ops=tmp_path / "none")


def test_a_loop_may_use_one() -> None:
    test, body, main = GraphBuilder(), GraphBuilder(), GraphBuilder()
    x = test.input(3, dtype="float32")
    y = test.op(KIND, (x,), test.tensor(3, dtype="float32"))
    most = test.tensor(dtype="float32")
    test.op("REDUCE_MAX", (y, test.constant([0])), most, keep_dims=False)
    limit = (most, test.constant(0.0, "float32"))
    condition = test.graph(test.op("GREATER", limit, test.tensor(dtype="bool")))
    x, half = body.input(3, dtype="float32"), body.constant(0.5, "float32")
    less = body.tensor(3, dtype="float32")
    body.op("SUB", (x, half), less, fused_activation_function="NONE")
    x, y = main.input(3, dtype="float32"), main.tensor(3, dtype="float32")
    main.ops.append(Op("WHILE", "t", (x,), (y,), {}, (condition, body.graph(less))))
    blob = compile_model(make_tflite(main.graph(y)), target="host", ops=EXAMPLE)
    found = outputs(blob, np.array([3, 0, -5], np.float32))
    np.testing.assert_array_equal(found, [1, -2, -7])


def test_every_command_that_compiles_takes_the_folder(tmp_path: Path) -> None:
    file, data = tmp_path / "model.tflite", tmp_path / "x.npy"
    file.write_bytes(model())
    np.save(data, np.zeros((1, 1, 4, 5, 3), np.float32))
    on_host = ("validate", str(file), "--on", "host", "--reference", "none", "--data", str(data))
    without = CliRunner().invoke(main, on_host)
    assert "is CUSTOM ThresholdedRelu" in str(without.output) + str(without.exception)
    for command in (on_host, ("trace", str(file), "--on", "host", "--reference", "none")):
        done = CliRunner().invoke(main, [*command, "--ops", str(EXAMPLE)])
        assert done.exit_code == 0, done.output
