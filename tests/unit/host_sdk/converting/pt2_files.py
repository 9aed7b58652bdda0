"""What `torch.export.save` writes, written without PyTorch."""

from __future__ import annotations

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

ROOT = "net"


def tensor(name: str) -> dict[str, Any]:
    """Name a tensor as an argument."""
    return {"as_tensor": {"name": name}}


def meta(*sizes: Any) -> dict[str, Any]:
    """Describe a float32 tensor; a text is an open dimension."""
    shape = [
        {"as_expr": {"expr_str": size, "hint": {"as_int": 2}}}
        if isinstance(size, str)
        else {"as_int": size}
        for size in sizes
    ]
    return {
        "dtype": 7,
        "sizes": shape,
        "requires_grad": False,
        "device": {"type": "cpu", "index": None},
        "strides": [{"as_int": 1} for _ in sizes],
        "storage_offset": {"as_int": 0},
        "layout": 7,
    }


def node(target: str = "torch.ops.aten.linear.default", **arguments: Any) -> dict[str, Any]:
    """Describe a step."""
    given = arguments or {"input": tensor("x"), "weight": tensor("p_weight")}
    return {
        "target": target,
        "inputs": [{"name": n, "arg": arg, "kind": 1} for n, arg in given.items()],
        "outputs": [tensor("y")],
        "metadata": {"stack_trace": "in forward", "torch_fn": "linear"},
        "is_hop_single_tensor_return": None,
        "name": "y",
    }


LEAF: dict[str, Any] = {"type": None, "context": None, "children_spec": []}


def tree(kind: str, *children: Any, context: str = "null") -> dict[str, Any]:
    """Describe a structure."""
    return {"type": kind, "context": context, "children_spec": list(children)}


_IN = tree("builtins.tuple", tree("builtins.tuple", LEAF), tree("builtins.dict", context="[]"))
PROGRAM: dict[str, Any] = {
    "graph_module": {
        "graph": {
            "inputs": [tensor("p_weight"), tensor("x")],
            "outputs": [tensor("y")],
            "nodes": [node()],
            "tensor_values": {"p_weight": meta(2, 4), "x": meta(1, 4), "y": meta(1, 2)},
            "sym_int_values": {},
            "sym_bool_values": {},
            "is_single_tensor_return": False,
            "custom_obj_values": {},
            "sym_float_values": {},
        },
        "signature": {
            "input_specs": [
                {"parameter": {"arg": {"name": "p_weight"}, "parameter_name": "0.weight"}},
                {"user_input": {"arg": tensor("x")}},
            ],
            "output_specs": [{"user_output": {"arg": tensor("y")}}],
        },
        "module_call_graph": [
            {
                "fqn": "",
                "signature": {
                    "inputs": [],
                    "outputs": [],
                    "in_spec": json.dumps([1, _IN]),
                    "out_spec": json.dumps([1, LEAF]),
                    "forward_arg_names": ["x"],
                },
            },
            {"fqn": "0", "signature": None},
        ],
        "metadata": {},
        "treespec_namedtuple_fields": {},
    },
    "opset_version": {"aten": 10},
    "range_constraints": {},
    "schema_version": {"major": 8, "minor": 20},
    "verifiers": ["TRAINING"],
    "torch_version": "2.13.0",
    "guards_code": [],
}
WEIGHTS: dict[str, Any] = {
    "config": {
        "0.weight": {
            "path_name": "weight_0",
            "is_param": True,
            "use_pickle": False,
            "tensor_meta": meta(2, 4),
        }
    }
}


def program() -> tuple[dict[str, Any], dict[str, Any]]:
    """Give an honest program to change, and its graph."""
    made = copy.deepcopy(PROGRAM)
    return made, made["graph_module"]["graph"]


def write_pt2(
    path: Path,
    described: Any = PROGRAM,
    weights: Any = WEIGHTS,
    constants: Any = None,
    **members: bytes,
) -> Path:
    """Write a .pt2.

    Args:
        path: where.
        described: of the program.
        weights: their description.
        constants: likewise.
        members: more of them, by their paths with "__" for "/".
    """
    with zipfile.ZipFile(path, "w") as archive:
        held: dict[str, str | bytes] = {
            "models/model.json": json.dumps(described),
            "data/weights/model_weights_config.json": json.dumps(weights),
            "data/constants/model_constants_config.json": json.dumps(constants or {"config": {}}),
            "data/weights/weight_0": bytes(32),
            "archive_format": "pt2",
            "archive_version": "0",
            "data/sample_inputs/model.pt": "",
            "byteorder": "little",
            ".data/version": "3\n",
            **{name.replace("__", "/"): data for name, data in members.items()},
        }
        for name, contents in held.items():
            archive.writestr(f"{ROOT}/{name}", contents)
    return path
