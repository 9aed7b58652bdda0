"""On which boards a model fits is told before any is plugged in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_fw.boards import board_names
from host_sdk.cli.fitting import Fit, fits_of
from host_sdk.store.board_space import board_spaces
from relocatable.blob.blob import Blob, Entry, Io, Variant
from relocatable.targets.arm import DSP, FAMILY, FP32, LEVEL_V6M, LEVEL_V7M

PLAIN = Variant(FAMILY.number, LEVEL_V6M, 0, bytes(16), b"", (0,), 64, 64)


def blob_of(*variants: Variant) -> Blob:
    return Blob(variants, (Io(0, 1),), (Io(16, 1),), (Entry(0, 1),), {"name": "n"})


def names_of(*variants: Variant) -> set[str]:
    return {fit.board for fit in fits_of(blob_of(*variants))}


def test_every_board_is_known() -> None:
    spaces = board_spaces()
    assert {space.name for space in spaces} == {*board_names(), "pico", "pico2"}
    for space in spaces:
        assert space.arena_bytes > 0
        assert space.object_bytes % space.sector_bytes == 0
    pico = next(space for space in spaces if space.name == "pico")
    assert (pico.title, pico.cpu) == ("Raspberry Pi Pico", "cortex-m0plus")
    assert pico.object_bytes == (1 << 20) - 2 * 32768
    assert (pico.flash_of(1), pico.flash_of(4096), pico.flash_of(4097)) == (4096, 4096, 8192)


def test_code_is_for_the_cpus_that_run_it() -> None:
    assert names_of(PLAIN) == {space.name for space in board_spaces()}
    of_m4 = replace(PLAIN, level=LEVEL_V7M, features=DSP.bit | FP32.bit)
    assert {"mps2_an386", "mps2_an500", "mps3_an547", "pico2"} <= names_of(of_m4)
    assert "pico" not in names_of(of_m4)
    assert names_of(of_m4, PLAIN) == names_of(PLAIN)
    assert names_of(replace(PLAIN, family=2)) == set()


def test_what_is_missing_is_told() -> None:
    large = fits_of(blob_of(replace(PLAIN, arena_bytes=100_000, stack_bytes=20_000)))
    by_name = {fit.board: fit for fit in large}
    assert not by_name["pico"].ok
    assert str(by_name["pico"]) == "does not fit: RAM lacks 34,464 bytes"
    assert str(by_name["mps2_an386"]) == "does not fit: stack lacks 3,872 bytes"
    assert str(by_name["pico2"]) == "94 KB RAM left, 2.4 MB store left"


@pytest.mark.parametrize("left", [(-1, 0, 0), (0, -1, 0), (0, 0, -1)])
def test_each_may_be_missing(left: tuple[int, int, int]) -> None:
    assert Fit("x", "X", 0, 0, 0).ok
    assert not Fit("x", "X", *left).ok
