"""Guess a model's head from the shapes, types and operators of its outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relocatable.graph.graph import Graph, Tensor

SCORE_DTYPES = ("int8", "uint8", "float32")


@dataclass(frozen=True)
class Guess:
    """What a head thinks of a model.

    Attributes:
        table: of the description.
        why: what speaks for it.
        open_points: what only the user can know.
        more: of the description, such as `labels`, unless the model's metadata say it.
    """

    table: Mapping[str, Any]
    why: str
    open_points: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GuessedHead:
    """The head that was guessed for a model.

    Attributes:
        kind: its name.
        description: as a TOML file would hold it.
        why: what speaks for it.
        open_points: what only the user can know: to be looked at in the file.
    """

    kind: str
    description: Mapping[str, Any]
    why: str
    open_points: tuple[str, ...] = field(default=())

    def toml(self) -> str:
        """Write the description's file."""
        notes = [f"Guessed: {self.why}.", *(f"Check: {point}." for point in self.open_points)]
        lines = [f"# {note}" for note in notes]
        tables = {k: v for k, v in self.description.items() if isinstance(v, Mapping)}
        lines += [f"{k} = {_toml(v)}" for k, v in self.description.items() if k not in tables]
        for name, table in tables.items():
            lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
        return "\n".join(lines) + "\n"


def only_output(graph: Graph) -> Tensor | None:
    """Find the output, if there is one alone and its values can be scores."""
    if len(graph.outputs) != 1:
        return None
    output = graph.tensors[graph.outputs[0]]
    return output if output.dtype in SCORE_DTYPES else None


def cell_pixels(graph: Graph, output: Tensor) -> float | None:
    """Count the input's rows for a row of an output; None: they are no pictures."""
    given = graph.tensors[graph.inputs[0]].shape
    if len(given) != 4 or len(output.shape) not in (3, 4) or output.shape[0] != 1:
        return None
    if given[3] not in (1, 3) or min(output.shape[1:3]) < 2:
        return None
    return given[1] / output.shape[1]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)
