"""Hold the sizes of blobs: 2 % more than tools/blob_sizes.toml says is refused.

python -m tools.blob_sizes            compare
python -m tools.blob_sizes --write    take the sizes of now
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

from relocatable import compile_model
from tools.tree import ROOT

SIZES = ROOT / "tools" / "blob_sizes.toml"
TARGETS = ("cortex-m0plus", "cortex-m4", "cortex-m55")
FOLDERS = ("examples/models", "tests/models")
LEFT_OUT = {"mnist_small_16x8"}  # its operators are not supported
ALLOWED = 1.02


def models() -> list[Path]:
    """List the models of the repository that can be compiled."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).glob("*.tflite")]
    return sorted((p for p in found if p.stem not in LEFT_OUT), key=lambda path: path.stem)


def size(model: Path, target: str) -> int:
    """Compile a model, without its golden vector, and return the blob's bytes."""
    return len(compile_model(model, target=target, golden=False))


def limits() -> dict[str, dict[str, int]]:
    """Read the sizes that are held: model, target, bytes."""
    return tomllib.loads(SIZES.read_text(encoding="utf-8"))


def compare(name: str, target: str, now: int, before: int) -> str:
    """Say how a size differs from the one that is held."""
    return f"{name}, {target}: {now} bytes, {before} held ({now / before - 1:+.2%})"


def write() -> None:
    """Take the sizes of now."""
    lines = ["# Bytes of blobs without a golden vector. `python -m tools.blob_sizes --write`"]
    for model in models():
        lines += ["", f"[{model.stem}]"]
        lines += [f"{target} = {size(model, target)}" for target in TARGETS]
    SIZES.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Compare all sizes or write them; the process's exit status."""
    parser = argparse.ArgumentParser(description="Hold the sizes of blobs.")
    parser.add_argument("--write", action="store_true", help="take the sizes of now")
    if parser.parse_args().write:
        write()
        return 0
    too_large = False
    for model in models():
        for target, before in limits()[model.stem].items():
            now = size(model, target)
            too_large |= now > before * ALLOWED
            print(compare(model.stem, target, now, before))
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
