"""Files of attackers: each would write a marker, or read another's, if it ran.

They are written without TensorFlow; tests/convert gives the same ones to the real converter.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import marshal
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.unit.host_sdk.converting import onnx_files, pt2_files
from tests.unit.host_sdk.converting.graphs import (
    SAVE,
    SERVE,
    field,
    function,
    honest,
    node,
    write_saved_model,
)
from tests.unit.host_sdk.converting.keras_files import layer, model, write_keras
from tests.unit.host_sdk.converting.onnx_files import write_onnx
from tests.unit.host_sdk.converting.pt2_files import write_pt2

Write = Callable[[Path, Path], Path]  # (where, marker) -> the file


def code_of(marker: Path) -> str:
    """Compile a function that writes the marker, as Keras keeps a lambda."""
    names: dict[str, Any] = {}
    exec(f"def f(x):\n    open({str(marker)!r}, 'w').close()\n    return x", names)
    return base64.b64encode(marshal.dumps(names["f"].__code__)).decode()


def lambda_layer(path: Path, marker: Path) -> Path:
    """Write a layer whose function is Python's code."""
    about = {"code": code_of(marker), "defaults": None, "closure": None}
    held = {"class_name": "__lambda__", "config": about}
    return write_keras(path / "lambda.keras", model(layer("Lambda", function=held)))


def lambda_value(path: Path, marker: Path) -> Path:
    """Write code where an honest layer has its activation."""
    held = {"class_name": "__lambda__", "config": {"value": [code_of(marker), None, None]}}
    return write_keras(path / "value.keras", model(layer("Dense", units=3, activation=held)))


def other_module(path: Path, marker: Path) -> Path:
    """Name a function of Python's own, with what it is called with."""
    held = {
        "module": "os",
        "class_name": "function",
        "config": "system",
        "registered_name": "system",
    }
    parts = layer("Dense", units=3, activation=held, name=f"touch {marker}")
    return write_keras(path / "os.keras", model(parts))


def other_class(path: Path, marker: Path) -> Path:
    """Name a class of Python's own, whose instance starts a program."""
    held = layer("Popen", "subprocess", args=["touch", str(marker)])
    return write_keras(path / "popen.keras", model(held))


def inner_function(path: Path, marker: Path) -> Path:
    """Name a function of Keras that writes files."""
    held = {
        "module": "keras.utils",
        "class_name": "function",
        "config": "get_file",
        "registered_name": "get_file",
    }
    there = {"fname": str(marker), "origin": "file:///etc/passwd"}
    return write_keras(path / "get_file.keras", model(layer("Dense", units=3, **there, f=held)))


def registered(path: Path, marker: Path) -> Path:
    """Name an honest class that is registered as another."""
    held = {**layer("Dense", units=3), "registered_name": "os>system"}
    return write_keras(path / "registered.keras", model(held))


def saved_model_layer(path: Path, marker: Path) -> Path:
    """Name a layer that loads whatever SavedModel is at a path."""
    return write_keras(path / "tfsm.keras", model(layer("TFSMLayer", filepath=str(path))))


def torch_layer(path: Path, marker: Path) -> Path:
    """Name a layer that unpickles a module of PyTorch."""
    held = layer("TorchModuleWrapper", module=base64.b64encode(_pickle(marker)).decode())
    return write_keras(path / "torch.keras", model(held))


def vocabulary(path: Path, marker: Path) -> Path:
    """Name a layer that reads a file of this computer."""
    held = layer("StringLookup", vocabulary="/etc/passwd")
    return write_keras(path / "lookup.keras", model(held))


def type_spec(path: Path, marker: Path) -> Path:
    """Name a class in the shape of a type."""
    held = {
        "class_name": "__typespec__",
        "spec_name": "Popen",
        "module": "subprocess",
        "config": [["touch", str(marker)]],
        "registered_name": "Popen",
    }
    return write_keras(path / "typespec.keras", model(layer("Dense", units=3, dtype=held)))


def slip(path: Path, marker: Path) -> Path:
    """Hold a member whose name leads out of the folder that Keras unpacks into."""
    leads = "/".join([".."] * 12) + str(marker)
    return write_keras(path / "slip.keras", **{f"assets/{leads}": b"x"})


def python_operation(path: Path, marker: Path) -> Path:
    """Serve by Python."""
    return write_saved_model(path / "py_func", honest(inside=[node("EagerPyFunc")]))


def file_operation(path: Path, marker: Path) -> Path:
    """Write a file whenever it is run or simplified."""
    return write_saved_model(path / "write_file", honest(inside=[node("WriteFile")]))


def outer_operation(path: Path, marker: Path) -> Path:
    """Read a file in the outermost graph."""
    return write_saved_model(path / "read_file", honest(outside=[node("ReadFile")]))


def served_saving(path: Path, marker: Path) -> Path:
    """Serve by the function that saves."""
    return write_saved_model(path / "saves", honest(objects=[SERVE, SAVE]))


def called_saving(path: Path, marker: Path) -> Path:
    """Call the function that saves from the one that serves."""
    data = honest(inside=[node("If", SAVE, of_list=True)])
    return write_saved_model(path / "calls", data)


def swapped_saving(path: Path, marker: Path) -> Path:
    """Have TensorFlow put a function that saves in another's place."""
    name = "__inference__traced_save_9"
    data = honest(more=[function(name, [node("SaveV2")], ["api_implements"])])
    return write_saved_model(path / "swaps", data)


def operation_by_name(path: Path, marker: Path) -> Path:
    """Call the function that saves as if it were an operation."""
    return write_saved_model(path / "by_name", honest(inside=[node(SAVE)]))


def shadowed_operation(path: Path, marker: Path) -> Path:
    """Give a function the name of an operation."""
    return write_saved_model(path / "shadow", honest(more=[function("Relu", [node("Abort")])]))


def torch_pickle(path: Path, marker: Path) -> Path:
    """Be a pickle that starts a program."""
    there = path / "old.pth"
    there.write_bytes(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19." + _pickle(marker))
    return there


def linked_variables(path: Path, marker: Path) -> Path:
    """Have another file's bytes as weights."""
    folder = write_saved_model(path / "linked", honest())
    (folder / "variables" / "variables.data-00000-of-00001").symlink_to("/etc/passwd")
    return folder


def torch_state(path: Path, marker: Path) -> Path:
    """Be an archive of torch.save whose pickle starts a program."""
    there = path / "net.pth"
    with zipfile.ZipFile(there, "w") as archive:
        archive.writestr("net/data.pkl", _pickle(marker))
        archive.writestr("net/version", "3")
    return there


def pickled_weight(path: Path, marker: Path) -> Path:
    """Hold a weight as a pickle, which torch loads with weights_only=False."""
    held = copy.deepcopy(pt2_files.WEIGHTS)
    held["config"]["0.weight"]["use_pickle"] = True
    return write_pt2(
        path / "pickle.pt2", weights=held, data__weights__weight_0=_torch_pickle(marker)
    )


def pickled_constant(path: Path, marker: Path) -> Path:
    """Hold an object, which torch unpickles."""
    config = {"o": {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}}
    constants = {"config": {"o": {**config["o"], "tensor_meta": None}}}
    return write_pt2(
        path / "opaque.pt2", constants=constants, data__constants__opaque_obj_0=_pickle(marker)
    )


def called_by_a_node(path: Path, marker: Path) -> Path:
    """Name a function of Python's own, by way of torch, as a step."""
    made, graph = pt2_files.program()
    given = {"cmd": {"as_string": f"touch {marker}"}}
    graph["nodes"] = [pt2_files.node("torch.hub.os.system", **given)]
    return write_pt2(path / "node.pt2", made)


def expression(path: Path, marker: Path) -> Path:
    """Have a dimension that sympy evaluates."""
    made, graph = pt2_files.program()
    graph["tensor_values"]["x"] = pt2_files.meta(f"open({str(marker)!r}, 'w').fileno()", 4)
    return write_pt2(path / "expression.pt2", made)


def program_in_a_name(path: Path, marker: Path) -> Path:
    """Have a name that PyTorch writes into the program that it makes of a graph."""
    made, graph = pt2_files.program()
    name = f"x=open({str(marker)!r}, 'w')"
    graph["inputs"][1] = pt2_files.tensor(name)
    graph["nodes"] = [pt2_files.node(input=pt2_files.tensor(name), weight=pt2_files.tensor("w"))]
    return write_pt2(path / "name.pt2", made)


def mapped_file(path: Path, marker: Path) -> Path:
    """Call the operator that maps a file, and makes it."""
    made, graph = pt2_files.program()
    given = {"filename": {"as_string": "marker"}, "shared": {"as_bool": True}}
    graph["nodes"] = [pt2_files.node("torch.ops.aten.from_file.default", **given)]
    return write_pt2(path / "mapped.pt2", made)


def higher_order(path: Path, marker: Path) -> Path:
    """Call an operator that is none of aten's."""
    made, graph = pt2_files.program()
    graph["nodes"] = [pt2_files.node("torch.ops.higher_order.print")]
    return write_pt2(path / "higher.pt2", made)


def structure(path: Path, marker: Path) -> Path:
    """Have inputs in a class of Python's own."""
    made, _ = pt2_files.program()
    call = made["graph_module"]["module_call_graph"][0]["signature"]
    call["in_spec"] = json.dumps([1, pt2_files.tree("subprocess.Popen", pt2_files.LEAF)])
    return write_pt2(path / "structure.pt2", made)


def values_above(path: Path, marker: Path) -> Path:
    """Have values in a file outside of the model's folder."""
    inner = onnx_files.graph(field(5, onnx_files.tensor("../../etc/passwd")))
    return write_onnx(path / "above.onnx", onnx_files.model(inner))


def values_anywhere(path: Path, marker: Path) -> Path:
    """Have a constant of a step of an inner graph in a file by its whole path."""
    constant = field(1, "value") + field(5, onnx_files.tensor("/etc/passwd"))
    inner = onnx_files.graph(nodes=(onnx_files.node("Constant", "", constant),))
    outer = onnx_files.node("If", "", field(1, "then_branch") + field(6, inner))
    return write_onnx(path / "anywhere.onnx", onnx_files.model(onnx_files.graph(nodes=(outer,))))


def values_of_a_function(path: Path, marker: Path) -> Path:
    """Have two locations for a default of a function, the second with a drive."""
    default = field(1, "w") + field(5, onnx_files.tensor("w.bin", "C:\\secret"))
    function_of_model = field(1, "f") + field(10, "mine") + field(11, default)
    data = onnx_files.model(onnx_files.graph(), field(25, function_of_model))
    return write_onnx(path / "function.onnx", data)


def values_by_a_link(path: Path, marker: Path) -> Path:
    """Have values in a folder that leads out of the model's."""
    (path / "weights").symlink_to("/etc")
    inner = onnx_files.graph(field(15, field(1, onnx_files.tensor("weights/passwd"))))
    return write_onnx(path / "link.onnx", onnx_files.model(inner))


def foreign_operator(path: Path, marker: Path) -> Path:
    """Call an operator of another library."""
    nodes = (onnx_files.node("PyOp", "ai.onnx.contrib"),)
    return write_onnx(path / "foreign.onnx", onnx_files.model(onnx_files.graph(nodes=nodes)))


class _Touch:
    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> Any:
        return open, (str(self._marker), "w")


def _pickle(marker: Path) -> bytes:
    return pickle.dumps(_Touch(marker))


def _torch_pickle(marker: Path) -> bytes:
    """Write what torch.save writes, of a pickle that starts a program."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("archive/data.pkl", _pickle(marker))
        archive.writestr("archive/version", "3")
        archive.writestr("archive/byteorder", "little")
    return held.getvalue()


FILES: Mapping[str, Write] = {
    made.__name__: made
    for made in (
        lambda_layer,
        lambda_value,
        other_module,
        other_class,
        inner_function,
        registered,
        saved_model_layer,
        torch_layer,
        vocabulary,
        type_spec,
        slip,
        python_operation,
        file_operation,
        outer_operation,
        served_saving,
        called_saving,
        swapped_saving,
        operation_by_name,
        shadowed_operation,
        torch_pickle,
        torch_state,
        pickled_weight,
        pickled_constant,
        called_by_a_node,
        expression,
        program_in_a_name,
        mapped_file,
        higher_order,
        structure,
        values_above,
        values_anywhere,
        values_of_a_function,
        values_by_a_link,
        foreign_operator,
        linked_variables,
    )
}
