"""Build products and print the SHA-256 of each file as JSON.

python -m tests.repeat.products FOLDER blob:examples/models/digits.tflite:all image:pico wheel

A blob is named with its model and its targets, joined by commas, or "all".
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path


def make(product: str, folder: Path) -> Iterator[Path]:
    """Build one product; yield its files."""
    match product.split(":"):
        case ["blob", model, targets]:
            from relocatable import TARGETS, compile_model

            file = folder / f"{Path(model).stem}.blob"
            names = list(TARGETS) if targets == "all" else targets.split(",")
            file.write_bytes(compile_model(model, target=names))
            yield file
        case ["image", board]:
            from device_fw.build import build_firmware

            elf = build_firmware(board, folder)
            for file in (elf, elf.with_suffix(".bin"), elf.with_suffix(".uf2")):
                # What else the Pico's ELF holds is for a debugger: paths, dates.
                if file.is_file() and not (file == elf and elf.with_suffix(".uf2").is_file()):
                    yield file
        case ["wheel"]:
            from tools.wheel import build

            yield build(folder)
        case _:
            raise ValueError(
                f"a product must be blob:MODEL:TARGETS, image:BOARD or wheel: {product}"
            )


def main(folder: str, *products: str) -> None:
    """Build all products that are named."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    made = [file for product in products for file in make(product, out)]
    print(json.dumps({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in made}))


if __name__ == "__main__":
    main(*sys.argv[1:])
