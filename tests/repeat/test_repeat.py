"""One source in two places: the same bytes of blobs, images and the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from device_fw.boards import LOCKABLE_SUFFIX, board_names
from device_fw.build.fetch_micropython import MICROPYTHON_VERSION, micropython_source
from device_fw.build.rp2 import rp2_boards, rp2_sources
from tests.repeat.places import AS_NOBODY, NOBODY, sums, two_places
from tools.blob_sizes import models
from tools.tree import ROOT

SOME = ("blob:examples/models/digits.tflite:cortex-m55,host", "image:netduinoplus2")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Make a folder that other users may enter, too, as pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="xipnet-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def build_twice(scratch: Path, products: Sequence[str], sources: dict[str, Path]) -> int:
    """Build in both places and compare; return how many files were the same."""
    sources = {f"micropython/{MICROPYTHON_VERSION}": micropython_source(), **sources}
    places = two_places(scratch, sources)
    running = [place.start(products) for place in places]
    first, second = (sums(*both) for both in zip(places, running, strict=True))
    assert first == second
    return len(first)


@pytest.mark.sim
def test_a_blob_and_an_image(scratch: Path) -> None:
    assert build_twice(scratch, SOME, {}) == 3  # the image is an ELF and a binary


@pytest.mark.proof("repeat")
def test_all_blobs(scratch: Path) -> None:
    made = [f"blob:{model.relative_to(ROOT)}:all" for model in models()]
    assert build_twice(scratch, made, {}) == len(made)


@pytest.mark.proof("repeat")
def test_all_images(scratch: Path) -> None:
    lockable = f"mps2_an386{LOCKABLE_SUFFIX}"
    made = [f"image:{board}" for board in (*board_names(), lockable)]
    assert build_twice(scratch, made, {}) >= len(made)


@pytest.mark.proof("repeat")
@pytest.mark.parametrize("board", rp2_boards())
def test_images_of_other_ports(scratch: Path, board: str) -> None:
    for tool in ("arm-none-eabi-gcc", "cmake", "make", "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    assert build_twice(scratch, [f"image:{board}"], {"rp2": rp2_sources()}) == 1


@pytest.mark.proof("repeat")
def test_the_wheel(scratch: Path) -> None:
    assert build_twice(scratch, ["wheel"], {}) == 1


@pytest.mark.proof("repeat")
def test_the_places_have_two_users() -> None:
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv: one user built in both places")
    command = [*AS_NOBODY, "id", "-u"]
    user = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(user) == NOBODY
