"""Programs of converters start without our package, answer, and are contained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from host_sdk.converting.children import replies, start
from host_sdk.converting.children.replies import RefusedModelError
from host_sdk.converting.children.tflite_names import name_tensors, refuse_unfinished
from host_sdk.converting.write_tflite import TfliteWriter

START = Path(start.__file__)


def run(program: str, folder: Path) -> tuple[list[dict[str, Any]], str]:
    """Run Python in a folder, with our package; give its replies and its words."""
    text = f"import sys; sys.path.insert(0, {str(START.parents[3])!r})\n{program}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", text, "in", str(folder / "out"), "m.onnx"],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize(("name", "missing"), [("onnx_child", "onnx2tf"), ("torch_child", "torch")])
def test_they_start_without_our_package(tmp_path: Path, name: str, missing: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(START), name, "in", str(tmp_path / "out"), "m"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    [reply] = [json.loads(line) for line in done.stdout.splitlines()]
    assert missing.startswith(reply["missing"])


ANSWER = """
from host_sdk.converting.children.replies import RefusedModelError, answer
def convert(tell):
    tell(stage=1)
    print("hello")
    {what}
answer(convert, ())
"""


@pytest.mark.parametrize(
    ("what", "reply"),
    [
        ("return b'TFL3', 'a note'", {"done": True, "note": "a note"}),
        ("raise RefusedModelError('its input')", {"refused": "m.onnx: its input"}),
        ("raise ValueError('x' * 9000)", {"failed": f"ValueError: {'x' * 3988}"}),
        ("sys.exit('gone')", {"failed": "SystemExit: gone"}),
    ],
)
def test_what_they_answer(tmp_path: Path, what: str, reply: dict[str, Any]) -> None:
    found, words = run(ANSWER.format(what=what), tmp_path)
    assert found == [{"stage": 1}, reply]
    assert "hello" in words  # on the standard error, where it is no reply
    assert (tmp_path / "out").exists() is ("done" in reply)


CONTAINED = """
import os, socket, subprocess, urllib.request
from host_sdk.converting.children.contained import contain
contain({folder!r})
open({folder!r} + "/inside", "w").close()
open(os.devnull, "w").close()
open({outside!r} + "/there").close()
try:
    {what}
except PermissionError as error:
    print('{{"refused": true}}')
"""


@pytest.mark.parametrize(
    ("what", "is_refused"),
    [
        ("open({outside!r} + '/marker', 'w')", True),
        ("open({outside!r} + '/there', 'r+b')", True),
        ("os.open({outside!r} + '/marker', os.O_CREAT | os.O_WRONLY)", True),
        ("open({folder!r} + '/../outside/marker', 'a')", True),
        ("subprocess.run(['true'])", True),
        ("os.system('true')", True),
        ("socket.create_connection(('127.0.0.1', 9))", True),
        ("urllib.request.urlopen('file:///etc/hostname')", True),
        ("open({folder!r} + '/more', 'a')", False),
    ],
)
def test_what_they_may_not_do(tmp_path: Path, what: str, is_refused: bool) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "there").touch()
    names = {"folder": str(folder), "outside": str(outside)}
    found, words = run(CONTAINED.format(what=what.format(**names), **names), tmp_path)
    assert found == ([{"refused": True}] if is_refused else []), words
    assert words == ""
    assert (folder / "inside").exists()
    assert not (outside / "marker").exists()


def _model(custom: bool = False, lost: bool = False) -> bytes:
    writer = TfliteWriter()
    x, y = writer.tensor("x", (1, 4)), writer.tensor("y", (1, 4))
    z = writer.tensor("z", (1, 4))
    writer.operator("TANH", [x], [y])
    if custom:
        writer.operator("CUSTOM", [y], [z])
        writer._model.operatorCodes[-1].customCode = b"ONNX_DET"
    elif not lost:
        writer.operator("TANH", [y], [z])
    return writer.finish({"x": x}, {"y": y, "z": z}, "a test")


def test_unfinished_models_are_refused() -> None:
    refuse_unfinished(_model(), "onnx2tf")
    with pytest.raises(RefusedModelError, match=r"onnx2tf has no operators .* for: DET"):
        refuse_unfinished(_model(custom=True), "onnx2tf", "ONNX_")
    with pytest.raises(RefusedModelError, match="onnx2tf lost the output 'z'"):
        refuse_unfinished(_model(lost=True), "onnx2tf")


def test_names_are_those_of_the_model() -> None:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(_model(), 0)
    signature = schema.SignatureDefT()
    signature.signatureKey = b"serving_default"
    signature.inputs, signature.outputs = (
        [_map(schema, "args_0", 0)],
        [
            _map(schema, "output_1", 1),
            _map(schema, "output_0", 2),
        ],
    )
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    named = name_tensors(bytes(builder.Output()), ["picture"], ["first", "second"])
    graph = schema.ModelT.InitFromPackedBuf(named, 0).subgraphs[0]
    assert [bytes(graph.tensors[i].name) for i in graph.inputs] == [b"picture"]
    assert list(graph.outputs) == [2, 1]  # as they are numbered
    assert [bytes(graph.tensors[i].name) for i in graph.outputs] == [b"first", b"second"]


def _map(schema: Any, name: str, index: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name.encode(), index
    return made


def test_modules_that_are_missing() -> None:
    assert replies.find_missing(("json", "no_such_module", "other")) == "no_such_module"
    assert replies.find_missing(("json",)) is None
