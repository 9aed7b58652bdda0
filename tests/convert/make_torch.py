"""Makes models of PyTorch, and their outputs; run by the Python of litert-torch.

python make_torch.py FOLDER
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

torch: Any = import_module("torch")
nn: Any = torch.nn


class Photo(nn.Module):  # type: ignore[misc]
    """A network of pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.second = nn.Conv2d(8, 8, 3, groups=8)
        self.norm = nn.BatchNorm2d(8)
        self.dense = nn.Linear(72, 5)

    def forward(self, picture: Any) -> Any:
        """Compute."""
        x = torch.relu(self.norm(self.second(torch.relu(self.first(picture)))))
        x = nn.functional.max_pool2d(x, 2)
        return torch.softmax(self.dense(x.reshape(x.shape[0], -1)), 1)


class Pair(nn.Module):  # type: ignore[misc]
    """Two inputs and two outputs, of which one each is a picture; a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.dense = nn.Conv2d(1, 2, 3), nn.Linear(5, 3)

    def forward(self, b: Any, a: Any) -> Any:
        """Compute."""
        return self.conv(b), self.dense(a) + torch.tensor([1.0, 2.0, 3.0])


def keep(folder: Path, name: str, module: Any, *examples: Any, **options: Any) -> None:
    """Export a module, and write what it computes of one sample."""
    module.eval()
    program = torch.export.export(module, examples, **options)
    torch.export.save(program, str(folder / f"{name}.pt2"))
    inputs = [one[:1] for one in examples]
    with torch.no_grad():
        made = module(*inputs)
    outputs = made if isinstance(made, tuple) else (made,)
    kept = {f"input_{i}": one.numpy() for i, one in enumerate(inputs)}
    np.savez(folder / name, **kept, **{f"output_{i}": o.numpy() for i, o in enumerate(outputs)})


def main() -> None:
    """Write all of them into a folder."""
    folder = Path(sys.argv[1])
    torch.manual_seed(14)
    keep(folder, "photo", Photo(), torch.rand(1, 3, 16, 16))
    batch = torch.export.Dim("batch", min=1, max=64)
    shapes = ({0: batch},)
    keep(folder, "open_batch", Photo(), torch.rand(4, 3, 16, 16), dynamic_shapes=shapes)
    keep(folder, "pair", Pair(), torch.rand(1, 1, 6, 6), torch.rand(1, 5))
    dense = nn.Sequential(nn.Linear(4, 6), nn.GELU(approximate="tanh"), nn.Linear(6, 2))
    keep(folder, "dense", dense, torch.rand(1, 4))
    keep(folder, "double", nn.Linear(4, 2).double(), torch.rand(1, 4, dtype=torch.float64))
    torch.save(Photo(), str(folder / "whole.pth"))
    torch.save(Photo().state_dict(), str(folder / "state.pt"))


if __name__ == "__main__":
    main()
