"""Test the link against a core that restarts, on a line that loses frames.

Frames are corrupted, doubled and reordered too, both ways, and the line may hide a restart: each
call gets its own result or a typed error, and nothing is executed twice.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import Any

import pytest

from host_sdk import Device, DeviceResetError
from host_sdk.link.line_estimator import Patience
from tests.unit.host_sdk.scripted_board import ScriptedBoard
from tests.unit.host_sdk.wiretap import Noise

CALLERS = 4
CALLS = 40
# A line that takes no time needs no patience.
QUICK = Patience(first_s=0.01, least_s=0.005, most_s=0.05, retry_s=0.05)
CONTENT = random.Random(1).randbytes(300)  # of the object x
READ = ("get", "hello")  # may be executed again: they only read


class Caller(threading.Thread):
    """A thread of random calls.

    Attributes:
        wrong: what came back that should not.
        right: results that came back.
        lost: calls that a restart ended.
    """

    def __init__(self, device: Device, seed: int, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.wrong: list[Any] = []
        self.right = 0
        self.lost = 0
        self._device = device
        self._random = random.Random(f"{seed} {name}")

    def run(self) -> None:
        for number in range(CALLS):
            expected = [self.name, number]
            try:
                got = self._call(expected)
            except DeviceResetError:
                self.lost += 1
            except BaseException as error:
                self.wrong.append(error)
            else:
                self.right += 1
                if got != expected:
                    self.wrong.append((got, expected))

    def _call(self, expected: list[Any]) -> Any:
        session, kind = self._device._session, self._random.randrange(4)
        if kind == 0:
            return session.call("ping", expected, timeout_s=60)
        if kind == 1:
            return self._device.eval(repr(expected))
        if kind == 2:  # a reply that the board does not keep
            at = self._random.randrange(100)
            got = session.call("get", "x", at, 200, timeout_s=60)
            return expected if got == CONTENT[at : at + 200] else got
        pending = [session.submit("ping", [*expected, i], timeout_s=60) for i in range(5)]
        return [session.wait(p) for p in pending][4][:2]  # type: ignore[index]


@pytest.mark.parametrize("seed", range(12))
def test_each_call_gets_its_own_result_and_is_executed_once(seed: int) -> None:
    r = random.Random(seed)
    drop, corrupt, duplicate, reorder = (r.choice([0.0, 0.02, 0.1]) for _ in range(4))
    noise = Noise(drop, corrupt, duplicate, reorder, random=r)
    board = ScriptedBoard(noise=noise)
    restarts = r.choice([0, 0, 3, 10])
    with Device(board.transport) as device:
        device._session.link.estimator.patience = QUICK
        device.put("x", CONTENT)
        callers = [Caller(device, seed, f"caller {n}") for n in range(CALLERS)]
        for caller in callers:
            caller.start()
        for _ in range(restarts):
            target = len(board.executed) + r.randrange(30)
            while len(board.executed) < target and any(c.is_alive() for c in callers):
                callers[0].join(0.001)
            board.boot(lose=r.random() < 0.5)
        for caller in callers:
            caller.join(60)
        assert not any(c.is_alive() for c in callers)
        assert [w for c in callers for w in c.wrong] == []
        assert sum(c.right + c.lost for c in callers) == CALLERS * CALLS
        assert restarts or not any(c.lost for c in callers)
        assert device.ping(seed) == seed
    calls = board.executed
    board.close()
    own = device._session.link.window.own_ids
    executed = Counter(call for call in calls if call[1] not in READ and call[0] not in own)
    assert [call for call, times in executed.items() if times > 1] == []
