"""Post-processing compiled into the blob: one folder per head (docs/HEADS.md)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from relocatable.blob.record import result_number
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, State, Tensor
from relocatable.heads.fields import Fields
from relocatable.heads.front_end import FRONT_ENDS
from relocatable.heads.head import Head, ImageConfig
from relocatable.steps.kernel_call import KernelCall

__all__ = ["Head", "find_heads", "head_calls", "load_head", "read_head_file"]


@cache
def find_heads() -> Mapping[str, type[Head]]:
    """Find the heads, by name, in the order of their results' numbers."""
    folders = [module.name for module in iter_modules(__path__) if module.ispkg]
    heads: list[type[Head]] = [import_module(f"{__name__}.{name}").HEAD for name in folders]
    heads.sort(key=lambda head: (result_number(head.record), head.kind))
    return {head.kind: head for head in heads}


def read_head_file(path: Path) -> Mapping[str, Any]:
    """Read a description's file.

    Args:
        path: a TOML file, or a C file that has one of its name beside it.

    Raises:
        HeadError: it cannot be read.
    """
    if path.suffix == ".c":
        path = path.with_suffix(".toml")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HeadError(f"head file must be TOML; {path}: {error}") from error


def load_head(description: Mapping[str, Any], folder: Path | None = None) -> Head:
    """Read a head's description.

    Args:
        description: the contents of the TOML file.
        folder: that files named in it are relative to.

    Raises:
        HeadError: names the key, the rule and the value seen.
    """
    top = Fields(description, "", folder)
    heads = find_heads()
    kind = top.choice("head", tuple(heads))
    labels = top.texts("labels", default=())
    image = ImageConfig.read(top.table("image")) if "image" in description else None
    head = heads[kind].read(top.table(kind), labels, image)
    if "sound" in description:
        sound = top.table("sound")
        head = replace(head, front_end=sound.choice("front_end", FRONT_ENDS))
        sound.end()
    top.end()
    return head


def head_calls(head: Head, graph: Graph) -> tuple[Graph, tuple[KernelCall, ...], int, int]:
    """Choose the steps that follow the network's.

    Args:
        head: what the outputs mean.
        graph: the network, lowered.

    Returns:
        The graph with the result's tensor and the head's state added, the steps, the result's
        number (enum xn_result) and the index of its tensor.

    Raises:
        HeadError: the description does not fit the model's outputs.
    """
    result = len(graph.tensors)
    call = head.call(graph, result)
    record = head.item_record()
    size = record.result_bytes(head.most_items(graph))
    tensor = Tensor("result", (size,), "uint8")
    kept = head.state_bytes(graph)
    graph = replace(graph, tensors=(*graph.tensors, tensor))
    if kept:
        graph, call = _with_state(graph, call, kept)
    return graph, (call,), result_number(record), result


def _with_state(graph: Graph, call: KernelCall, size_bytes: int) -> tuple[Graph, KernelCall]:
    """Give a head's call a state as its last input, which it changes where it is."""
    first = len(graph.tensors)
    state, last = Tensor("head's state", (size_bytes,), "uint8"), first + 1
    graph = replace(
        graph,
        tensors=(*graph.tensors, state, state),
        states=(*graph.states, State(first, last)),
    )
    call = replace(
        call,
        inputs=(*call.inputs, first),
        outputs=(*call.outputs, last),
        updates={len(call.inputs): len(call.outputs)},
    )
    return graph, call
