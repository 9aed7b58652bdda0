"""Converts what `torch.export` saved by litert-torch.

start.py torch_child PATH OUTPUT PLACE [--trust]

PATH is of a .pt2 in the working folder. Stages are litert-torch imported, the program loaded, its
inputs looked at, converted.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from .contained import contain
from .replies import RefusedModelError, Tell, answer
from .tflite_names import name_tensors, refuse_unfinished

_PICTURE = 4  # dimensions, whose order changes


def main() -> None:
    """Convert what the arguments name."""
    answer(_convert, ("torch", "litert_torch"))


def _convert(tell: Tell) -> tuple[bytes, str]:
    path, output, _, *more = sys.argv[1:]
    folder = Path(output).parent
    tell(stage=0)
    logging.getLogger().setLevel(logging.ERROR)  # of training mode, which an export has left
    torch: Any = import_module("torch")
    litert_torch: Any = import_module("litert_torch")
    tell(stage=1)
    if "--trust" not in more:
        contain(str(folder))
    program = torch.export.load(path)
    for name, value in program.constants.items():
        program.constants[name] = value.clone()  # what is read is a view, which detach_ refuses
    tell(stage=2)
    by_name = {node.name: node.meta["val"] for node in program.graph.nodes if "val" in node.meta}
    inputs = list(program.graph_signature.user_inputs)
    samples = [_sample(torch, str(name), by_name.get(name)) for name in inputs]
    outputs = [by_name.get(name) for name in program.graph_signature.user_outputs]
    pictures = [i for i, sample in enumerate(samples) if sample.dim() == _PICTURE]
    planes = [i for i, one in enumerate(outputs) if getattr(one, "ndim", 0) == _PICTURE]
    tell(stage=3)
    flat = _flat(torch, program)
    module = litert_torch.to_channel_last_io(flat, args=pictures, outputs=planes)
    turned = [
        sample.permute(0, 2, 3, 1).contiguous() if i in pictures else sample
        for i, sample in enumerate(samples)
    ]
    written = folder / "written.tflite"
    litert_torch.convert(module, tuple(turned)).export(str(written))
    names = [str(name) for name in inputs], [str(n) for n in program.graph_signature.user_outputs]
    tflite = name_tensors(written.read_bytes(), *names)
    refuse_unfinished(tflite, "litert-torch")
    tell(stage=4)
    return tflite, _note([(str(inputs[i]), list(turned[i].shape)) for i in pictures])


def _flat(torch: Any, program: Any) -> Any:
    """Make a module whose arguments and results are tensors, one by one."""
    tree: Any = import_module("torch.utils._pytree")
    inner, spec = program.module(), program.call_spec.in_spec

    class Flat(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *values: Any) -> Any:
            args, kwargs = tree.tree_unflatten(values, spec)
            return tuple(tree.tree_flatten(self.inner(*args, **kwargs))[0])

    return Flat()


def _sample(torch: Any, name: str, value: Any) -> Any:
    """Make an input for a batch of one.

    Raises:
        RefusedModelError: its shape is open, or it is no tensor that a .tflite has.
    """
    if not isinstance(value, torch.Tensor):
        raise RefusedModelError(f"input '{name}' must be a tensor")
    sizes = [size if isinstance(size, int) else str(size) for size in value.shape]
    if any(isinstance(size, str) for size in sizes[1:]):
        raise RefusedModelError(
            f"input '{name}' must have a fixed shape, but for the batch; has {sizes}: export it "
            "without dynamic shapes"
        )
    if value.dtype == torch.float64:
        raise RefusedModelError(
            f"input '{name}' must be float32 or an integer; is float64: call .float() of the "
            "module, and of its inputs, before it is exported"
        )
    return torch.zeros([1 if isinstance(s, str) else s for s in sizes], dtype=value.dtype)


def _note(pictures: list[tuple[str, list[int]]]) -> str:
    if not pictures:
        return ""
    told = ", ".join(f"input '{name}' is {shape} on the board" for name, shape in pictures)
    return f"{told}: channels last, as NumPy's and cameras' pictures are (docs/PYTORCH.md)"


if __name__ == "__main__":
    main()
