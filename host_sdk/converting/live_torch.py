"""A PyTorch model of this process, written as `torch.export` saves it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from host_sdk.display.plain import plain_text
from host_sdk.errors import ConvertError, InputError

__all__ = ["LiveTorch", "is_live_torch", "live_torch_name", "write_live_torch"]


@runtime_checkable
class ExportedProgram(Protocol):
    """A `torch.export.ExportedProgram`."""

    graph_signature: Any
    graph_module: Any


class Module(Protocol):
    """A `torch.nn.Module`."""

    training: bool

    def eval(self) -> Any:
        """Set it to inference."""

    def modules(self) -> Any:
        """List it and its parts."""


# An exported program, or a module with example inputs: a tensor, or a tuple of them.
LiveTorch: TypeAlias = "ExportedProgram | tuple[Module, Any]"


def is_live_torch(source: object) -> bool:
    """Tell whether an object is one of PyTorch's; a module alone is one, too."""
    if isinstance(source, tuple) and len(source) == 2:
        return _is_module(source[0])
    return _is_module(source) or _is_a(source, "torch.export", "ExportedProgram")


def _is_module(source: object) -> bool:
    return _is_a(source, "torch.nn", "Module")


def _is_a(source: object, room: str, name: str) -> bool:
    kinds = [(kind.__module__, kind.__name__) for kind in type(source).__mro__]
    return any(module.startswith(room) and kind == name for module, kind in kinds)


def live_torch_name(source: Any) -> str:
    """Name a model by its module's class; a program has no name."""
    return type(source[0]).__name__ if isinstance(source, tuple) else "model"


def write_live_torch(source: Any, path: Path) -> None:
    """Write a model, as of inference, to a .pt2.

    Raises:
        InputError: it is a module without example inputs.
        ConvertError: PyTorch does not export it; its words are in the message.
    """
    if not isinstance(source, tuple) and _is_module(source):
        raise InputError(
            "model must be (module, example_inputs), since a module does not know its inputs' "
            f"shapes; is a {type(source).__name__} alone"
        )
    torch = sys.modules.get("torch") or import_module("torch")
    try:
        program = _export(torch, *source) if isinstance(source, tuple) else source
        torch.export.save(program, str(path))
    except Exception as error:  # whatever PyTorch raises
        name = live_torch_name(source)
        raise ConvertError(f"{name} cannot be exported: {plain_text(str(error))}") from error


def _export(torch: Any, module: Any, examples: Any) -> Any:
    """Export a module as of inference, and set its parts to their modes again."""
    modes = [(part, part.training) for part in module.modules()]
    arguments = tuple(examples) if isinstance(examples, (tuple, list)) else (examples,)
    try:
        module.eval()
        return torch.export.export(module, arguments)
    finally:
        for part, was in modes:
            part.training = was
