"""`import xipnet` on a PC: what host_sdk gives."""

from __future__ import annotations

import subprocess
import sys

import pytest

import host_sdk
import xipnet
from tests.conftest import ROOT


def test_it_has_the_same_names() -> None:
    assert xipnet.__all__ == host_sdk.__all__ == dir(xipnet)
    assert all(getattr(xipnet, name) is getattr(host_sdk, name) for name in xipnet.__all__)
    assert xipnet.__version__ == host_sdk.__version__
    with pytest.raises(AttributeError, match="nothing"):
        xipnet.nothing  # noqa: B018


def test_it_costs_nothing_and_is_the_command() -> None:
    assert run("-c", "import xipnet, sys; print('numpy' in sys.modules)") == "False\n"
    assert run("-m", "xipnet", "--version").startswith("xipnet, version ")


def run(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_types_are_seen_through_it() -> None:
    board: xipnet.Device | None = None
    errors: tuple[type[xipnet.XipnetError], ...] = (xipnet.DeviceError, xipnet.InputError)
    assert board is None
    assert all(issubclass(error, host_sdk.XipnetError) for error in errors)
