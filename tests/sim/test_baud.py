"""The line's speed, changed together with the real firmware."""

from __future__ import annotations

import pytest

from host_sdk import Device, InputError
from host_sdk.errors import ParamsError

pytestmark = pytest.mark.sim


def test_both_change_and_change_back() -> None:
    with Device("sim://cortex-m4?baud=115200", max_baud=460800) as board:
        assert board.baud == 460800
        assert board.eval("6 * 7") == 42
        board.reset()  # the board starts at 115200, and both go up again
        assert board.baud == 460800
        assert board.eval("6 * 7") == 42


def test_max_is_the_fastest_that_the_wire_bears() -> None:
    with Device("sim://cortex-m4?baud=115200&limit=1000000", max_baud="max") as board:
        assert board.baud == 1_000_000
        assert board.eval("6 * 7") == 42


def test_a_rate_that_does_not_work_leaves_the_old_one() -> None:
    with Device("sim://cortex-m4?baud=115200&limit=200000", max_baud=460800) as board:
        assert board.baud == 115200
        assert board.eval("6 * 7") == 42


def test_a_restart_brings_both_back_to_the_first_rate() -> None:
    with Device("sim://cortex-m4?baud=115200", max_baud=460800) as board:
        stream = board.events()
        board._session.submit("exec", "import machine; machine.reset()")
        while stream.restarts == 0:
            assert next(board.events(timeout_s=0.1), None) is None
        assert board.eval("6 * 7") == 42
        assert board.baud == 115200


def test_rates_that_cannot_be() -> None:
    with pytest.raises(ParamsError):
        Device("sim://cortex-m4?baud=115200", max_baud=100_000_000)
    with pytest.raises(InputError, match="max_baud must be"):
        Device("sim://cortex-m4?baud=115200", max_baud="fast")  # type: ignore[arg-type]
