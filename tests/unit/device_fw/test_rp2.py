"""How the boards of ports/rp2 are configured."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from device_fw.build import rp2


@pytest.mark.parametrize(("board", "lockable"), [("pico", 0), ("pico-lockable", 1)])
def test_a_suffix_asks_for_the_firmware_that_can_be_locked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, board: str, lockable: int
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(rp2, "ninja_program", lambda: "ninja")
    rp2._configure(board, tmp_path, tmp_path)
    (command,) = commands
    assert f"-DXIPNET_LOCKABLE={lockable}" in command
    assert "-DMICROPY_BOARD=pico" in command
