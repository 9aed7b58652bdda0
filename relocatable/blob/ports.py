"""Inputs and outputs by their names as well as by position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, SupportsIndex, TypeVar, cast, overload

import numpy.typing as npt

from relocatable.errors import RunError

Array = npt.NDArray[Any]
Value = TypeVar("Value")

_MOST_CHARACTERS = 400  # of names in an error: a blob may have as many as it likes


class Outputs(tuple[Array, ...]):
    """The outputs of a run: `y[0]`, `y["scores"]`, `y.by_name()`.

    Args:
        arrays: in the model's order.
        names: of all of them, in the same order.

    Attributes:
        names: as given.
    """

    names: tuple[str, ...]

    def __new__(cls, arrays: Iterable[Array], names: Iterable[str]) -> Outputs:
        """Join the arrays and their names."""
        outputs = super().__new__(cls, arrays)
        outputs.names = tuple(names)
        return outputs

    def __getnewargs__(self) -> tuple[tuple[Array, ...], tuple[str, ...]]:
        return tuple(self), self.names

    @overload
    def __getitem__(self, key: SupportsIndex | str) -> Array: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Array, ...]: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> Array | tuple[Array, ...]:
        """Give an output by its position or name.

        Raises:
            KeyError: no output has that name, or several have.
        """
        if not isinstance(key, str):
            return super().__getitem__(key)
        if self.names.count(key) != 1 or not key:
            fault = _by_position_alone("outputs", self.names)
            raise KeyError(fault or f"output must be one of {_quoted(self.names)}; is '{key}'")
        return super().__getitem__(self.names.index(key))

    def by_name(self) -> dict[str, Array]:
        """Give all of them as a dict.

        Raises:
            KeyError: the names are not distinct.
        """
        if fault := _by_position_alone("outputs", self.names):
            raise KeyError(fault)
        return dict(zip(self.names, self, strict=True))


def in_order(
    given: Sequence[Value | Mapping[str, Value]] | Mapping[str, Value], names: Sequence[str]
) -> list[Value]:
    """Bring inputs into a model's order.

    Args:
        given: by position, or one mapping by name, which may be the only item. How many there are
            by position is left to the caller.
        names: of the model's inputs.

    Raises:
        RunError: a name is unknown or missing, or the model's names tell no inputs apart.
    """
    if not isinstance(given, Mapping):
        by_place = [value for value in given if not isinstance(value, Mapping)]
        if len(by_place) == len(given):
            return by_place
        if len(given) > 1:
            raise RunError(
                "inputs must be given by position, or by name in one mapping; are in both"
            )
        given = cast("Mapping[str, Value]", given[0])
    if fault := _by_position_alone("inputs", names):
        raise RunError(fault)
    unknown = [name for name in given if name not in names]
    missing = [name for name in names if name not in given]
    pairs = ((unknown, "unknown"), (missing, "missing"))
    faults = [f"{_quoted(found)} {what}" for found, what in pairs if found]
    if faults:
        raise RunError(f"inputs by name must be {_quoted(names)}; {', '.join(faults)}")
    return [given[name] for name in names]


def _by_position_alone(what: str, names: Sequence[str]) -> str:
    """Say why ports have no use for names; "" if they have."""
    if "" in names:
        return f"{what} must be taken by position: not all have a name ({_quoted(names)})"
    if len(set(names)) < len(names):
        return f"{what} must be taken by position: several have the same name ({_quoted(names)})"
    return ""


def _quoted(names: Iterable[object]) -> str:
    text = ", ".join(f"'{name}'" for name in names)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."
