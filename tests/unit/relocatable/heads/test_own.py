"""A head whose C function is a user's: description, ABI, errors of the compiler."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relocatable import compile_model
from relocatable.blob.host import HostModel
from relocatable.errors import HeadError, ToolchainError
from relocatable.graph.graph import Graph, Quant
from relocatable.heads import load_head
from relocatable.heads.own.layout import c_fields
from tests.conftest import ROOT
from tests.head_runner import HeadRunner, outputs_graph
from tests.make_graph import GraphBuilder

EXAMPLE = ROOT / "examples" / "own_head" / "brightest.c"
DIGITS = ROOT / "examples" / "models" / "digits.tflite"
EVERYTHING = {
    "small": "int8[3]",
    "place": "float32[2] points",
    "big": "int64",
    "label": "int16 label",
    "byte": "uint8",
    "whole": "int32",
}

# Says what it gets, as an item of EVERYTHING for each output.
ECHO = """
#include "heads/own/xn_head.h"

static void echo(const xn_head *head, xn_head_result *found) {
    const xn_head_parameters *p = head->parameters;
    float *kept = head->scratch;
    for (int32_t i = 0; i < head->outputs; i++) {
        const xn_head_output *o = &head->output[i];
        kept[0] = xn_head_value(o, o->count - 1);
        found->item[i] = (xn_head_item){
            .small = {(int8_t)o->values.type, (int8_t)o->dims, (int8_t)o->shape[o->dims - 1]},
            .place = {kept[0], p->levels[1]},
            .big = (int64_t)p->whole << 32,
            .label = (int16_t)p->list[2],
            .byte = (uint8_t)head->scratch_bytes,
            .whole = (int32_t)(xn_head_value(o, o->count) + xn_head_value(o, -1)),
        };
    }
    found->count = 1000;
    found->reserved[1] = 5;
}
"""


def description(folder: Path, text: str = ECHO, **options: Any) -> dict[str, Any]:
    file = folder / "echo.c"
    file.write_text(text, encoding="utf-8")
    parameters = {"whole": -3, "levels": [0.5, 0.25], "list": [1, 2, 4], "level": 1.5}
    own: dict[str, Any] = {
        "file": str(file),
        "fields": EVERYTHING,
        "most_items": 6,
        "scratch_bytes": 20,
        "parameters": parameters,
    }
    return {"head": "own", "own": {k: v for k, v in {**own, **options}.items() if v is not None}}


def test_the_function_gets_outputs_parameters_and_scratch(tmp_path: Path) -> None:
    b = GraphBuilder()
    ports = [
        b.input(2, 3, dtype="int8", quant=Quant((0.5,), (3,))),
        b.input(4, dtype="int16", quant=Quant((0.25,), (0,))),
        b.input(1, 1, 5, dtype="int32"),
        b.input(1, dtype="int64"),
        b.input(2, dtype="bool"),
        b.input(3, dtype="float32"),
    ]
    runner = HeadRunner(description(tmp_path), b.graph(*ports))
    tensors = [runner.graph.tensors[i] for i in runner.graph.inputs]
    found = runner.find(*(np.full(t.shape, 1, t.dtype) for t in tensors))
    assert [item.small for item in found] == [
        (0, 2, 3),
        (3, 1, 4),
        (4, 3, 5),
        (5, 1, 1),
        (6, 1, 2),
        (2, 1, 3),
    ]
    assert [item.place[0] for item in found] == [-1, 0.25, 1, 1, 1, 1]
    for item in found:
        assert (item.place[1], item.big, item.label) == (0.25, -3 << 32, "4")
        assert (item.byte, item.whole) == (20, 0)


def brightest(grid: np.ndarray, channel: int, threshold: float, most: int) -> list[Any]:
    """Do what the example does: (score, column, row) of each cell."""
    plane = grid[0, :, :, channel].astype(np.float64)
    ys, xs = np.indices(plane.shape)
    found: list[Any] = []
    while len(found) < most:
        y, x = np.unravel_index(plane.argmax(), plane.shape)
        if not plane[y, x] > threshold:
            break
        found.append((plane[y, x], x, y))
        plane[(xs - x) ** 2 + (ys - y) ** 2 <= 2] = -np.inf
    return found


def test_the_example_equals_numpy() -> None:
    example = tomllib.loads(EXAMPLE.with_suffix(".toml").read_text(encoding="utf-8"))
    example["own"]["file"] = str(EXAMPLE)
    runner = HeadRunner(example, outputs_graph(((1, 9, 7, 5), "int8", Quant((1 / 256,), (-128,)))))
    rng = np.random.default_rng(1)
    for _ in range(20):
        stored = runner.random(rng)
        wanted = brightest(runner.real(stored), 4, 0.5, 5)
        found = [(i.score, i.place[0] * 7 - 0.5, i.place[1] * 9 - 0.5) for i in runner.find(stored)]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
        assert len(found) == 5


def test_a_c_file_finds_the_toml_beside_it(tmp_path: Path) -> None:
    blob = compile_model(DIGITS, target="host", head=EXAMPLE, golden=False)
    with HostModel(blob) as model:
        assert model.blob.metadata["head"] == {
            "kind": "own",
            "name": "brightest",
            "parameters": {"channel": 4, "threshold": 0.5},
        }
        assert model.blob.metadata["labels"] == ["coin"]
        assert str(tmp_path) not in repr(model.blob.metadata)
    with pytest.raises(HeadError, match=r"head file must be TOML; .*alone\.toml"):
        compile_model(DIGITS, target="host", head=tmp_path / "alone.c")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("    give;\n", r"echo\.c:5:5: error: use of undeclared identifier 'give'"),
        ("    static int32_t n;\n    found->item[0].whole = n++;\n", "own no writable data.*n"),
        (
            "    extern int puts(const char *);\n    puts(head->scratch);\n",
            "undefined symbol: puts",
        ),
    ],
)
def test_what_the_compiler_says_names_file_and_line(
    tmp_path: Path, line: str, message: str
) -> None:
    start = "xn_head_result *found) {\n"
    told = description(tmp_path, ECHO.replace(start, start + line))
    with pytest.raises(ToolchainError, match=message):
        HeadRunner(told, outputs_graph(((3,), "float32", None)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file": "none.c"}, r"\[own\] file must be a file that is there"),
        ({"fields": {}}, r"\[own.fields\] a result must have 1 to 32 different fields"),
        ({"fields": {"x": "double"}}, r"\[own.fields\] x must be a type \(int8, .* is 'double'"),
        ({"fields": {"x": "int8[0]"}}, r"\[own.fields\] x must be a type"),
        ({"fields": {"x": "int8 tag"}}, r"\[own.fields\] x must be a type"),
        ({"fields": {"x": 3}}, r"\[own.fields\] x must be a string; is 3"),
        ({"fields": {"x y": "int8"}}, r"x y must be a plain name in C and in Python"),
        ({"fields": {"int": "int8"}}, r"int must be a plain name in C and in Python"),
        ({"fields": {"x": "float32 label"}}, r"must hold integers to be a label"),
        ({"fields": {"x": "float32[3] points"}}, r"must hold x and y; is 3"),
        ({"parameters": {"x;": 1}}, r"\[own.parameters\] x; must be a plain name"),
        ({"parameters": {"x": "a"}}, r"x must be a finite number or a list of them"),
        ({"parameters": {"x": float("inf")}}, r"x must be a finite number"),
        ({"parameters": {"x": 1 << 31}}, r"x must be whole numbers of 32 bits"),
        ({"parameters": {"x": [1e39, 1]}}, r"x must be numbers that a float32 holds"),
        ({"most_items": 0}, r"most_items must be a whole number"),
        ({"most_items": 100_000, "fields": {"x": "int64[99]"}}, r"most_items must be of at most"),
        ({"scratch": 5}, r"\[own\] scratch must be one of"),
    ],
)
def test_a_wrong_description_is_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(HeadError, match=message):
        load_head(description(tmp_path, **options))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a-b.c", "a-b(", r"file must be NAME.c with a C name; is 'a-b.c'"),
        ("echo.h", "echo(", r"file must be NAME.c"),
        ("other.c", "void echo(int x) {}", r"file must be with a function other"),
    ],
)
def test_a_file_without_the_function_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    told = description(tmp_path, file=name)
    with pytest.raises(HeadError, match=message):
        load_head(told, tmp_path)


def test_an_output_of_another_type_is_refused(tmp_path: Path) -> None:
    b = GraphBuilder()
    graph: Graph = b.graph(b.input(2, dtype="uint32"))
    with pytest.raises(HeadError, match=r"must be int8, .*; is uint32"):
        HeadRunner(description(tmp_path), graph)


def test_the_layout_is_c_s(tmp_path: Path) -> None:
    head = load_head(description(tmp_path))
    assert [(f.name, f.offset) for f in head.item_record().fields] == [
        ("small", 0),
        ("place", 4),
        ("big", 16),
        ("label", 24),
        ("byte", 26),
        ("whole", 28),
    ]
    assert head.item_record().item_bytes == 32
    assert c_fields(load_head(description(tmp_path, fields={"x": "int8"})).item_record()) == (
        "int8_t x; uint8_t xn_rest[3]; "
    )
