"""The image for an STM32L475 in a QEMU that has this chip, and the newer USART.

That QEMU is newer than this machine's, so this is a proof. Its model of the USART takes the next
byte late, tens of milliseconds each: on a busy PC the host repeats requests more quickly than they
are received, so no more than `hello` is tried.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from device_fw.boards import load_board
from host_sdk import Device
from tests.sim.newer_qemu import newer_qemu

pytestmark = [pytest.mark.sim, pytest.mark.proof("stm32l4")]

WAIT_S = 300.0
MSI_AT_RESET_HZ = 4_000_000


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    folder = tmp_path_factory.mktemp("l4")
    toml = load_board("disco_l475").path.read_text(encoding="utf-8")
    emulator = f'program = "{newer_qemu(folder)}"\nmachine = "b-l475e-iot01a"\n'
    path = folder / "disco_l475.toml"
    path.write_text(f"{toml}\n[emulator]\n{emulator}", encoding="utf-8")
    with Device(f"sim://{path}", timeout_s=WAIT_S) as device:
        yield device


def test_it_says_what_it_is_and_what_it_runs_at(board: Device) -> None:
    told = board.info()
    assert (told.board, told.cpu) == ("disco_l475", "cortex-m4")
    assert told.arena_bytes == load_board("disco_l475").memory["arena"].length
    # Without a flash controller there are no wait states, so the clock stays as it was.
    assert told.hz == MSI_AT_RESET_HZ
