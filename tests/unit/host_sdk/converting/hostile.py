"""Files of attackers: each would write a marker, or read another's, if it ran.

They are written without TensorFlow; tests/convert gives the same ones to the real converter.
"""

from __future__ import annotations

import base64
import marshal
import pickle
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.unit.host_sdk.converting.graphs import (
    SAVE,
    SERVE,
    function,
    honest,
    node,
    write_saved_model,
)
from tests.unit.host_sdk.converting.keras_files import layer, model, write_keras

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


class _Touch:
    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> Any:
        return partial, (open, str(self._marker), "w")


def _pickle(marker: Path) -> bytes:
    return pickle.dumps(_Touch(marker))


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
        linked_variables,
    )
}
