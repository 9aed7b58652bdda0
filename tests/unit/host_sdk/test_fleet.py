"""Swapping the model of many boards: on cores behind TCP ports."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from host_sdk import Device, InputError, swap_bundles, swap_models
from host_sdk.cli import main
from host_sdk.errors import HealthCheckError, PortClosedError, PortNotFoundError
from host_sdk.link.messages import Failure
from host_sdk.store.trial import Trial
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.bundle.test_load_bundle import added, bundle
from tests.unit.host_sdk.scripted_board import ScriptedBoard

MakePorts = Callable[[int], "list[Port]"]


class Port:
    """A board at a TCP port, one user after another."""

    def __init__(self, *, lockable: bool = False) -> None:
        self.board = ScriptedBoard(lockable=lockable)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        user: socket.socket | None = None

        def back() -> None:
            while True:
                try:
                    data = self.board.transport.read(1.0)
                    if user is not None and data:
                        user.sendall(data)
                except PortClosedError:
                    return
                except OSError:
                    continue  # the user has gone

        threading.Thread(target=back, daemon=True).start()
        while True:
            try:
                user, _ = self._server.accept()
                while data := user.recv(65536):
                    self.board.transport.write(data)
                user.close()
            except (OSError, PortClosedError):
                return

    @property
    def stored(self) -> tuple[bytes, int]:
        """The model's bytes and its version."""
        with Device(self.url) as device:
            return device.get("net"), device.ls()[0].version

    @property
    def trial(self) -> Trial | None:
        with Device(self.url) as device:
            return device.trial()

    def refuse_golden(self) -> None:
        self.board.refuse["put_end"] = Failure(-46, "golden vector gave other outputs")

    def close(self) -> None:
        self.board.close()
        self._server.close()


@pytest.fixture
def ports() -> Iterator[MakePorts]:
    made: list[Port] = []

    def make(count: int) -> list[Port]:
        made.extend(Port() for _ in range(count))
        return made

    yield make
    for port in made:
        port.close()


def test_every_board_gets_the_model(ports: MakePorts) -> None:
    made = ports(5)
    seen: set[str] = set()
    swaps = swap_models(
        [p.url for p in made], make_blob(), "net", progress=lambda port, *_: seen.add(port)
    )
    assert swaps.ok
    assert [s.port for s in swaps] == [p.url for p in made]
    assert all(p.stored[0] == make_blob() for p in made)
    assert seen == {p.url for p in made}
    table = repr(swaps).splitlines()
    assert table[0] == "5 of 5 boards took the model"
    assert table[2].split()[1:3] == ["host", "1"]
    assert table[2].endswith("active")


def test_a_board_that_fails_keeps_its_model_and_the_others_go_on(ports: MakePorts) -> None:
    made = ports(3)
    for port in made:
        with Device(port.url) as board:
            board.load_model(make_blob(), "net")
    made[1].refuse_golden()
    nowhere = "socket://127.0.0.1:1"
    swaps = swap_models([*(p.url for p in made), nowhere], make_blob(fill=b"x"), "net")
    assert [s.ok for s in swaps] == [True, False, True, False]
    assert not swaps.ok
    assert "golden vector gave other outputs" in str(swaps[1].error)
    assert isinstance(swaps[3].error, PortNotFoundError)
    assert [p.stored[1] for p in made] == [2, 1, 2]
    assert "failed: put_end: golden vector" in repr(swaps)
    assert "2 of 4 boards took the model" in swaps._repr_html_()


def test_a_check_decides_for_each_board(ports: MakePorts) -> None:
    made = ports(2)

    def check(board: Device) -> bool:
        return repr(board).startswith(f"<Device {made[0].url}")

    urls = [p.url for p in made]
    swap_models(urls, make_blob(), "net")
    swaps = swap_models(urls, make_blob(fill=b"x"), "net", confirm=check)
    assert [s.ok for s in swaps] == [True, False]
    assert isinstance(swaps[1].error, HealthCheckError)
    assert [p.stored[1] for p in made] == [2, 1]
    assert [p.trial for p in made] == [None, None]


def test_ports_are_named_once(ports: MakePorts) -> None:
    for urls in ([], ["a", "a"]):
        with pytest.raises(InputError, match="ports must be"):
            swap_models(urls, make_blob())


def test_every_board_gets_the_bundle_or_keeps_all_that_it_had(
    ports: MakePorts, tmp_path: Path
) -> None:
    made = ports(3)
    urls = [p.url for p in made]
    assert swap_bundles(urls, bundle(1), "faces").ok
    made[1].refuse_golden()
    swaps = swap_bundles(urls, bundle(2), "faces")
    assert [s.ok for s in swaps] == [True, False, True]
    del made[1].board.refuse["put_end"]
    path = tmp_path / "faces.bin"
    path.write_bytes(bundle(2, script=b"print(2)\n"))
    result = CliRunner().invoke(
        main, ["ota", "--bundle", str(path), *(f"--port={u}" for u in urls)]
    )
    assert result.exit_code == 0
    for url, version in zip(urls, (3, 2, 3), strict=True):
        with Device(url) as board:
            [stored] = board.ls()
            assert (stored.version, stored.active, added(board)) == (version, True, 2)


def test_a_bundle_says_itself_how_its_models_are_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["ota", "--bundle", "xipnet.toml", "--head", "head.toml"])
    assert result.exit_code == 2
    assert "leave --head out" in result.output


def test_the_commands(ports: MakePorts, tmp_path: Path) -> None:
    made = ports(2)
    blob, check = tmp_path / "net.bin", tmp_path / "check.py"
    check.write_text("import xipnet")
    arguments = [f"--port={p.url}" for p in made]

    def xipnet(*given: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, list(given))
        return result.exit_code, result.output

    blob.write_bytes(make_blob())
    assert xipnet("ota", str(blob), *arguments)[0] == 0
    blob.write_bytes(make_blob(fill=b"x"))
    code, said = xipnet("ota", str(blob), *arguments, "--check", str(check), "--json")
    assert (code, [s["loaded"]["version"] for s in json.loads(said)]) == (0, [2, 2])
    assert tuple(sum(method == "exec" for _, method in p.board.executed) * 2 for p in made) == (
        2,
        2,
    )
    blob.write_bytes(make_blob(fill=b"y"))
    code, said = xipnet("ota", str(blob), arguments[0], "--manual")
    assert code == 0
    assert "on trial" in said
    assert made[0].trial is not None
    assert xipnet("confirm", arguments[0])[0] == 0
    assert made[0].trial is None
    assert "version 2 is current" in xipnet("rollback", arguments[0])[1]
    shown = xipnet("history", arguments[0])[1]
    assert "withdrawn by the host" in shown
    events = json.loads(xipnet("history", "net", arguments[0], "--json")[1])
    assert events[-1]["event"] == "returned"
    made[1].refuse_golden()
    code, said = xipnet("ota", str(blob), *arguments)
    assert code == 1
    assert "failed" in said
    assert "leave --manual out" in xipnet("ota", str(blob), "--check", str(check), "--manual")[1]
