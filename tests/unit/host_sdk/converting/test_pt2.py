"""A .pt2 is rebuilt of what is known: the converter gets no pickle, no odd text."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from host_sdk import ConvertError, InputError, ModelFileError, UnsafeModelError
from host_sdk.inference.model_source import open_model
from tests.unit.host_sdk.converting.conftest import Recorded
from tests.unit.host_sdk.converting.pt2_files import meta, node, program, tensor, write_pt2


def rebuilt(recorded: Recorded, path: Path) -> tuple[list[str], dict[str, Any]]:
    """Give the members of what the converter got, and the program in it."""
    open_model(path)
    with zipfile.ZipFile(recorded.kept) as archive:
        return archive.namelist(), json.loads(archive.read("model/models/model.json"))


def test_the_converter_gets_what_is_known(tmp_path: Path, recorded: Recorded) -> None:
    described, graph = program()
    graph["tensor_values"]["x"]["device"] = {"type": "cuda", "index": 0}
    path = write_pt2(
        tmp_path / "net.pt2",
        described,
        extra__notes=b"x",
        **{"data__sample_inputs__model.pt": b"a pickle"},
    )
    names, made = rebuilt(recorded, path)
    assert [asked[0] for asked in recorded.asked] == ["torch_child"]
    assert set(names) == {
        "model/models/model.json",
        "model/data/weights/model_weights_config.json",
        "model/data/weights/weight_0",
        "model/data/constants/model_constants_config.json",
        "model/data/sample_inputs/model.pt",
        "model/archive_format",
        "model/archive_version",
        "model/byteorder",
        "model/.data/version",
    }
    with zipfile.ZipFile(recorded.kept) as archive:
        assert archive.read("model/data/sample_inputs/model.pt") == b""
        assert archive.read("model/data/weights/weight_0") == bytes(32)
    [step] = made["graph_module"]["graph"]["nodes"]
    assert step["target"] == "torch.ops.aten.linear.default"
    assert step["metadata"] == {}  # texts that only people read
    x = made["graph_module"]["graph"]["tensor_values"]["x"]
    assert x["device"] == {"type": "cpu", "index": None}  # wherever it was trained
    assert x["sizes"] == [{"as_int": 1}, {"as_int": 4}]
    [call] = made["graph_module"]["module_call_graph"]
    assert call["signature"]["forward_arg_names"] == ["x"]


def test_what_pytorch_runs_is_left_out(tmp_path: Path, recorded: Recorded) -> None:
    made, _ = program()
    made.update(guards_code=["open('x', 'w')"], verifiers=["evil"], torch_version="\x1b[2J")
    made["graph_module"]["metadata"] = {"custom": "{}"}
    _, found = rebuilt(recorded, write_pt2(tmp_path / "net.pt2", made))
    assert (found["guards_code"], found["verifiers"], found["torch_version"]) == (
        [],
        ["TRAINING"],
        "",
    )
    assert found["graph_module"]["metadata"] == {}


@pytest.mark.parametrize(
    "text",
    [
        "s0",
        "Symbol('s77', positive=True, integer=True)",
        "Mul(Integer(144), Symbol('s77', positive=True, integer=True))",
        "FloorDiv(s0, 2)",
    ],
)
def test_open_dimensions(tmp_path: Path, recorded: Recorded, text: str) -> None:
    made, graph = program()
    graph["tensor_values"]["x"] = meta(text, 4)
    made["range_constraints"] = {"s77": {"min_val": 0, "max_val": None}}
    _, found = rebuilt(recorded, write_pt2(tmp_path / "net.pt2", made))
    sizes = found["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
    assert sizes[0]["as_expr"]["expr_str"] == text
    assert found["range_constraints"] == made["range_constraints"]


@pytest.mark.parametrize(
    "text",
    ["exit()", "s0.x", "__import__", "2**9", "'s0'", "Symbol('os')", "1" * 4000 + "!", "s0;s1", ""],
)
def test_what_is_no_dimension(tmp_path: Path, text: str) -> None:
    made, graph = program()
    graph["tensor_values"]["x"] = meta(text, 4)
    with pytest.raises(UnsafeModelError, match="must be a dimension"):
        open_model(write_pt2(tmp_path / "net.pt2", made))


@pytest.mark.parametrize(
    ("arguments", "taken"),
    [
        ({"mode": {"as_string": "floor"}}, True),
        ({"equation": {"as_string": "ij,jk->ik"}}, True),
        ({"mode": {"as_string": "/etc/passwd"}}, False),
        ({"graph": {"as_graph": {"name": "g"}}}, False),
        ({"object": {"as_custom_obj": {"name": "o", "class_fqn": "os"}}}, False),
        ({"call": {"as_operator": "torch.ops.aten.relu"}}, False),
    ],
)
def test_arguments_are_of_known_kinds(
    tmp_path: Path, recorded: Recorded, arguments: dict[str, Any], taken: bool
) -> None:
    made, graph = program()
    graph["nodes"] = [node("torch.ops.aten.div.Tensor_mode", **arguments)]
    path = write_pt2(tmp_path / "net.pt2", made)
    if taken:
        assert open_model(path).is_tflite
        return
    with pytest.raises(UnsafeModelError):
        open_model(path)
    assert recorded.asked == []


def _more(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda graph: graph.update({key: value})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_more("inputs", [tensor("a.b")]), r"each name must be a name; found a\.b"),
        (_more("inputs", [tensor("lambda")]), "each name must be a name; found lambda"),
        (_more("custom_obj_values", {"o": {}}), "objects must be tensors"),
        (_more("hooks", []), "fields must be known ones that only compute; found hooks"),
        (_more("nodes", [node("math.sqrt")]), "an operator of aten .*; found math.sqrt"),
        (_more("nodes", [node("_operator.attrgetter")]), "found _operator.attrgetter"),
    ],
)
def test_graphs_that_ask_for_more(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    made, graph = program()
    change(graph)
    with pytest.raises(UnsafeModelError, match=sentence):
        open_model(write_pt2(tmp_path / "net.pt2", made))


@pytest.mark.parametrize("described", [[], "x", {}, {"graph_module": {"graph": []}}])
def test_what_describes_nothing(tmp_path: Path, described: Any) -> None:
    with pytest.raises(ModelFileError, match="must"):
        open_model(write_pt2(tmp_path / "net.pt2", described))


@pytest.mark.parametrize("key", ["forward_arg_names", "in_spec", "out_spec"])
@pytest.mark.parametrize("value", [5, {"a": 1}, "x", '[1, {"type": null, "children_spec": 5}]'])
def test_calls_that_are_none(tmp_path: Path, key: str, value: Any) -> None:
    made, _ = program()
    made["graph_module"]["module_call_graph"][0]["signature"][key] = value
    with pytest.raises(ModelFileError, match="must"):
        open_model(write_pt2(tmp_path / "net.pt2", made))


def test_nesting_is_bounded(tmp_path: Path) -> None:
    made, graph = program()
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    graph["is_single_tensor_return"] = deep
    with pytest.raises(ModelFileError, match="must nest at most 60 deep"):
        open_model(write_pt2(tmp_path / "net.pt2", made))


def test_other_archives_of_pytorch(tmp_path: Path) -> None:
    path = tmp_path / "old.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
    with pytest.raises(ModelFileError, match=r"one folder|PyTorch before"):
        open_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/archive_format", "pt2")
        archive.writestr("net/data/aotinductor/model/x.so", "\x7fELF")
    with pytest.raises(ModelFileError, match="holds 0: it is compiled for a PC"):
        open_model(path)


def test_values_that_are_missing(tmp_path: Path) -> None:
    path = write_pt2(tmp_path / "net.pt2")
    torn = tmp_path / "torn.pt2"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(torn, "w") as archive:
        for name in whole.namelist():
            if not name.endswith("weight_0"):
                archive.writestr(name, whole.read(name))
    with pytest.raises(ModelFileError, match=r"torn\.pt2 must be a whole zip archive"):
        open_model(torn)


def test_trust_gives_the_file_itself(tmp_path: Path, recorded: Recorded) -> None:
    made, graph = program()
    graph["nodes"] = [node("torch.ops.my.own")]
    path = write_pt2(tmp_path / "net.pt2", made)
    open_model(path, trust=True)
    assert recorded.kept.read_bytes() == path.read_bytes()
    assert recorded.asked[0][4:] == ["--trust"]


class _Torch:
    """What `torch` is to a live model."""

    class export:
        @staticmethod
        def export(module: Any, arguments: tuple[Any, ...]) -> Any:
            module.exported.append((module.training, arguments))
            if arguments == ("bad",):
                raise RuntimeError("no such shape\x1b[2J")
            return "program"

        @staticmethod
        def save(program: Any, path: str) -> None:
            write_pt2(Path(path))


class Module:
    """What a live model has of PyTorch's."""

    training = True

    def __init__(self) -> None:
        self.exported: list[Any] = []

    def eval(self) -> None:
        self.training = False

    def modules(self) -> list[Any]:
        return [self]


Module.__module__ = "torch.nn.modules.module"


class Net(Module):
    """A class of a user's."""


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a stand-in in the place of PyTorch."""
    monkeypatch.setitem(sys.modules, "torch", _Torch)


@pytest.mark.usefixtures("torch")
def test_a_live_module_is_exported_for_inference(recorded: Recorded) -> None:
    net = Net()
    opened = open_model((net, ["a", "b"]))
    assert opened.name == "Net"
    assert opened.is_tflite
    assert net.exported == [(False, ("a", "b"))]
    assert net.training  # as it was
    [[program_name, path, _, place]] = recorded.asked
    assert (program_name, Path(path).name, place) == ("torch_child", "model.pt2", "Net")


@pytest.mark.usefixtures("torch")
def test_a_single_example_needs_no_tuple(recorded: Recorded) -> None:
    net = Net()
    open_model((net, "one"))
    assert net.exported == [(False, ("one",))]


@pytest.mark.usefixtures("torch")
def test_pytorchs_words_when_it_does_not_export(recorded: Recorded) -> None:
    with pytest.raises(ConvertError, match=r"Net cannot be exported: no such shape\\x1b"):
        open_model((Net(), "bad"))
    assert recorded.asked == []


def test_a_module_alone_has_no_shapes(recorded: Recorded) -> None:
    with pytest.raises(InputError, match=r"must be \(module, example_inputs\).*is a Net alone"):
        open_model(Net())  # type: ignore[arg-type]


@pytest.mark.usefixtures("torch")
def test_an_exported_program(recorded: Recorded) -> None:
    class ExportedProgram:
        graph_signature = None
        graph_module = None

    ExportedProgram.__module__ = "torch.export.exported_program"
    assert open_model(ExportedProgram()).name == "model"
