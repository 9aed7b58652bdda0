"""Compare a board that is switched off at random with a dictionary that is not."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.c.core_build import build_programs, make_blob
from tests.c.core_peer import Peer, RefusedError

BLOB, DATA = 1, 3
E_NOT_FOUND, E_NO_SPACE, E_VERSION = -20, -21, -29
SECTOR_BYTES = 4096
NAMES = ("a", "b", "net")


@dataclass
class Model:
    """The contents that the store must have.

    Attributes:
        versions: bytes of each name's versions that were not withdrawn, the current one last.
        active: name of the active model.
    """

    versions: dict[str, list[bytes]]
    active: str = ""


def refusal(call: Callable[..., Any], *args: Any) -> int:
    """Return the code that a call is refused with, 0 if it is not."""
    try:
        call(*args)
    except RefusedError as error:
        return error.code
    return 0


class Board(RuleBasedStateMachine):
    program: Path
    blobs: ClassVar[list[bytes]]

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.model = Model({})
        self.trial: tuple[str, list[bytes]] | None = None  # what is active and had before it
        self.boot()

    def boot(self) -> None:
        self.peer = Peer(self.program, self.folder / "flash")
        self.peer.hello()

    def teardown(self) -> None:
        if hasattr(self, "peer"):
            self.peer.kill()
            shutil.rmtree(self.folder)

    # ---- What may happen -------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES[:2]), seed=st.integers(0, 5), size=st.integers(1, 40_000))
    def put(self, name: str, seed: int, size: int) -> None:
        data = hashlib.shake_256(bytes([seed])).digest(size)
        code = refusal(self.peer.put, name, data, DATA)
        assert code in (0, E_NO_SPACE)
        if code == 0:
            self.took(name, data)

    @rule(which=st.integers(0, 2), activate=st.booleans())
    def put_blob(self, which: int, activate: bool) -> None:
        again = self.model.versions.get("net", [])[-1:] == [self.blobs[which]]
        self.peer.put("net", self.blobs[which], BLOB, activate)
        self.took("net", self.blobs[which])
        if activate:
            self.model.active = "net"
        if self.model.active == "net" and not again:
            self.trial = None  # the new one is not on trial

    @rule(which=st.integers(0, 2))
    def try_blob(self, which: int) -> None:
        """Put a model on trial, which a start of the board ends."""
        before = list(self.model.versions.get("net", []))
        if before[-1:] == [self.blobs[which]] or self.trial:
            return
        begun = self.peer.begin("net", self.blobs[which])
        if not begun["have"]:
            self.peer.pieces(begun["session"], self.blobs[which])
        assert self.peer.call("put_end", begun["session"], True, 1000)["pending"]
        self.trial = (self.model.active, before)
        self.took("net", self.blobs[which])
        self.model.active = "net"

    @rule()
    def confirm(self) -> None:
        code = refusal(self.peer.call, "confirm", "net")
        assert code == (0 if self.trial else E_VERSION)
        self.trial = None

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        code = refusal(self.peer.call, "rm", name)
        assert code == (0 if self.model.versions.get(name) else E_NOT_FOUND)
        if code == 0:
            del self.model.versions[name]
            if name == self.model.active:
                self.model.active, self.trial = "", None

    @rule(name=st.sampled_from(NAMES[:2]))
    def rollback(self, name: str) -> None:
        """Earlier versions may be gone, the last one must be right."""
        versions = self.model.versions.get(name, [])
        code = refusal(self.peer.call, "rollback", name)
        assert code in (0, E_VERSION if versions else E_NOT_FOUND)
        if code == 0:
            versions.pop()

    @rule()
    def reset(self) -> None:
        self.peer.kill()
        self.boot()
        if self.trial:
            self.model.active, self.model.versions["net"] = self.trial
            self.trial = None

    @rule(name=st.sampled_from(NAMES[:2]), seed=st.integers(6, 9), part=st.floats(0, 1))
    def cut_upload(self, name: str, seed: int, part: float) -> None:
        """Cut the upload somewhere, and finish it after the next start."""
        data = hashlib.shake_256(bytes([seed])).digest(20_000)
        code = refusal(self.peer.begin, name, data, DATA)
        assert code in (0, E_NO_SPACE)
        if code != 0:
            return
        begun = self.peer.begin(name, data, DATA)
        pieces = range(0, len(data), 1024)
        if not begun["have"]:
            for at in pieces[: int(part * len(pieces))]:
                self.peer.call("put_data", begun["session"], at, data[at : at + 1024])
        self.reset()
        self.check()
        again = self.peer.begin(name, data, DATA)
        assert again["have"] or again["resumed"]
        if not again["have"]:
            assert again["at"] == begun["at"]
            self.send_what_lacks(again, data)
        self.peer.call("put_end", again["session"])
        self.took(name, data)

    def send_what_lacks(self, begun: dict[str, Any], data: bytes) -> None:
        hashes = self.peer.call("hashes", begun["at"], len(data), SECTOR_BYTES)
        for i, at in enumerate(range(0, len(data), SECTOR_BYTES)):
            sector = data[at : at + SECTOR_BYTES]
            if hashlib.sha256(sector).digest()[:8] != hashes[8 * i : 8 * i + 8]:
                for j in range(0, len(sector), 1024):
                    self.peer.call("put_data", begun["session"], at + j, sector[j : j + 1024])

    def took(self, name: str, data: bytes) -> None:
        versions = self.model.versions.setdefault(name, [])
        if versions[-1:] != [data]:
            versions.append(data)

    # ---- What must hold --------------------------------------------------------------------------

    @invariant()
    def check(self) -> None:
        if not hasattr(self, "peer"):
            return
        seen = {item["name"]: item for item in self.peer.call("ls")}
        held: list[Any] = []
        while part := self.peer.call("held", len(held)):
            held += part
        current = [(h["name"], h["sha256"]) for h in held if h["state"] == 0]
        assert sorted(current) == sorted((n, i["sha256"]) for n, i in seen.items())
        expected = {n: v[-1] for n, v in self.model.versions.items() if v}
        assert set(seen) == set(expected)
        for name, data in expected.items():
            item = seen[name]
            assert item["sha256"] == hashlib.sha256(data).digest()
            assert item["active"] == (name == self.model.active)
            assert self.peer.call("get", name, len(data) // 2, 600) == data[len(data) // 2 :][:600]


def board_on(out: Path) -> type[Board]:
    """Make the machine, on a freshly built board with three versions of a blob."""
    build_programs(out)

    class Here(Board):
        program = out / "board_host"
        blobs: ClassVar[list[bytes]] = [
            replace(make_blob(out), metadata={"name": "x" * (1 + 300 * i)}).pack() for i in range(3)
        ]

    return Here


@pytest.mark.xdist_group("core")
def test_a_rollback_of_another_name_leaves_the_trial(tmp_path: Path) -> None:
    board = board_on(tmp_path)()
    board.start()
    try:
        board.put("a", seed=1, size=100)
        board.try_blob(0)
        board.put("a", seed=2, size=100)
        board.rollback("a")
        board.reset()
        board.check()
    finally:
        board.teardown()


@pytest.mark.xdist_group("core")
@pytest.mark.parametrize("examples", [15, pytest.param(150, marks=pytest.mark.proof("endurance"))])
def test_random_use(tmp_path_factory: pytest.TempPathFactory, examples: int) -> None:
    run_state_machine_as_test(
        board_on(tmp_path_factory.mktemp("random")),
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
