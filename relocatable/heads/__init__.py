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
from relocatable.front_ends import FRONT_ENDS
from relocatable.graph.graph import Graph, State, Tensor
from relocatable.heads.fields import Fields
from relocatable.heads.guess import GuessedHead
from relocatable.heads.head import Head, ImageConfig
from relocatable.steps.kernel_call import KernelCall

__all__ = ["Head", "find_heads", "guess_head", "head_calls", "load_head", "read_head_file"]


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


def guess_head(graph: Graph, about: Mapping[str, Any]) -> GuessedHead:
    """Ask each head whether a model looks as if it were made for it.

    Args:
        graph: the network, lowered.
        about: what the .tflite's own metadata say, as a description; it goes before all guesses.

    Raises:
        HeadError: no head says so, or several do.
    """
    if "head" in about:
        return GuessedHead(about["head"], about, "the file's own metadata name the classes")
    guesses = {kind: head.guess(graph) for kind, head in find_heads().items()}
    found = {kind: guess for kind, guess in guesses.items() if guess is not None}
    outputs = ", ".join(
        f"'{graph.tensors[i].name}' {graph.tensors[i].dtype} {list(graph.tensors[i].shape)}"
        for i in graph.outputs
    )
    if not found:
        raise HeadError(
            f"a head must be named for outputs {outputs}: none looks right. There are "
            f"{', '.join(guesses)} (docs/HEADS.md)"
        )
    if len(found) > 1:
        could = "; ".join(f"{kind}: {guess.why}" for kind, guess in found.items())
        raise HeadError(
            f"a head must be named for outputs {outputs}, which could be several: {could}. "
            "Write a TOML file with one of them (docs/HEADS.md)"
        )
    [(kind, guess)] = found.items()
    described = {"head": kind, **guess.more, **about, kind: guess.table}
    tables = {key: value for key, value in described.items() if isinstance(value, Mapping)}
    plain = {key: value for key, value in described.items() if key not in tables}
    names_classes = any(part.role == "label" for part in find_heads()[kind].record.fields)
    missing = ("labels, which the file does not name",) * (
        names_classes and "labels" not in described
    )
    return GuessedHead(kind, {**plain, **tables}, guess.why, (*missing, *guess.open_points))


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
