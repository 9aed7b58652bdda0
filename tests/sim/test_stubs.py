"""The stubs for editors name exactly what the module on the board has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_sdk import Device
from tests.sim.conftest import evaluate

pytestmark = pytest.mark.sim

STUBS = Path(__file__).resolve().parents[2] / "device_fw" / "stubs" / "xipnet"
# Types of results, which the module does not name.
RESULTS = {"Detection", "Class", "Step", "Source", "Stream", "Streamed", "Sensor"}


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with Device("sim://cortex-m55") as device:
        device.exec("import xipnet")
        yield device


def names(body: list[ast.stmt]) -> set[str]:
    found: set[str] = set()
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.ImportFrom(module=None, names=aliases):
                found |= {alias.name for alias in aliases}
    return {name for name in found if not name.startswith("_")}


def stub(name: str) -> list[ast.stmt]:
    return ast.parse((STUBS / f"{name}.pyi").read_text(encoding="utf-8")).body


def on_board(board: Device, what: str) -> set[str]:
    return {n for n in evaluate(board, f"dir({what})") if not n.startswith("_")}


def test_module(board: Device) -> None:
    assert on_board(board, "xipnet") == names(stub("__init__")) - RESULTS


@pytest.mark.parametrize("name", ["store", "preprocess"])
def test_submodule(board: Device, name: str) -> None:
    assert on_board(board, f"xipnet.{name}") == names(stub(name))


def test_model(board: Device) -> None:
    (model,) = (n for n in stub("__init__") if isinstance(n, ast.ClassDef) and n.name == "Model")
    attributes = {"name", "version", "inputs", "outputs", "us"}
    assert on_board(board, "xipnet.Model") == names(model.body) - attributes


def test_everything_public_is_explained() -> None:
    for name in ("__init__", "store", "preprocess"):
        for node in stub(name):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                overloaded = any("overload" in ast.unparse(d) for d in node.decorator_list)
                assert overloaded or ast.get_docstring(node), node.name
