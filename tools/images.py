"""Make the images of all boards that can be flashed, as a page of releases wants.

python -m tools.images [FOLDER]

The folder (`dist/images`) gets an image a board, beside each what it is made of (`.cdx.json`),
`SHA256SUMS` (of `sha256sum -c`) and `IMAGES.md`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from device_fw.build import firmware_path
from device_fw.errors import FirmwareError
from host_sdk import __version__
from host_sdk.flashing.image import FirmwareImage, read_image
from host_sdk.flashing.known_boards import KnownBoard, known_boards
from host_sdk.sbom import describe, to_cyclonedx

ROOT = Path(__file__).resolve().parent.parent


def make_image(board: KnownBoard, folder: Path) -> FirmwareImage:
    """Build a board's firmware and put its image into a folder.

    Raises:
        FirmwareError: it cannot be built.
        FirmwareFileError: what was built cannot be flashed.
    """
    built = firmware_path(board.name).with_name(board.image)
    file = folder / f"xipnet-{__version__}-{board.image}"
    shutil.copyfile(built, file)
    return read_image(file, board)


def sums(images: list[FirmwareImage]) -> str:
    """Write the lines that `sha256sum -c` reads."""
    return "".join(f"{image.sha256}  {image.file.name}\n" for image in images)


def page(images: list[FirmwareImage]) -> str:
    """Write the table of images, in Markdown."""
    rows = [
        f"| {i.board.title} | {i.board.chip.name} | {i.board.state} | `{i.file.name}` "
        f"| {i.size_bytes:,} | `{i.sha256}` |"
        for i in images
    ]
    head = [
        f"# xipnet {__version__}: images",
        "",
        "`xipnet flash FILE` writes one.",
        "",
        "| board | chip | state | file | bytes of flash | SHA-256 |",
        "|---|---|---|---|--:|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


def main(folder: str = str(ROOT / "dist" / "images")) -> int:
    """Make all images."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    try:
        images = [make_image(board, out) for board in known_boards().values()]
    except FirmwareError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for image in images:
        parts = image.file.with_name(f"{image.file.name}.cdx.json")
        parts.write_text(to_cyclonedx([describe(image.file)]), encoding="utf-8")
    (out / "SHA256SUMS").write_text(sums(images), encoding="utf-8")
    (out / "IMAGES.md").write_text(page(images), encoding="utf-8")
    print(page(images), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
