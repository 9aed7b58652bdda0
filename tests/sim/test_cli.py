"""The command with its own virtual board, and mpremote on the same port."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from host_sdk import Device, PortBusyError
from host_sdk.cli import main
from tests.sim.conftest import EXAMPLES

pytestmark = pytest.mark.sim

# A shell that starts the tests in the background has SIGINT ignored, and children inherit that.
_INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = (sys.executable, "-c", f"{_INTERRUPTIBLE}; from host_sdk.cli import main; main()")


@contextlib.contextmanager
def running_sim(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`xipnet sim --json` as a process, and what it announced."""
    command = [*COMMAND, "sim", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        announced = ""
        while not announced.endswith("}\n"):
            announced += process.stdout.readline()
        try:
            yield process, json.loads(announced)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    with running_sim() as (_, announced):
        yield announced["port"]


def xipnet(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def xipnet_json(*arguments: str | Path) -> Any:
    return json.loads(xipnet(*arguments, "--json"))


def test_a_models_life(port: str, coins_blob: bytes, tmp_path: Path) -> None:
    blob = tmp_path / "coins.bin"
    blob.write_bytes(coins_blob)
    at = ("--port", port)
    sent_bytes = xipnet_json("load", blob, *at)["sent_bytes"]
    assert 0.5 * len(coins_blob) < sent_bytes <= len(coins_blob)
    assert "the board had it already" in xipnet("load", blob, *at)
    assert "copy" in xipnet("load", blob, "--name", "copy", "--no-activate", *at)
    assert {o["name"]: o["active"] for o in xipnet_json("ls", *at)} == {
        "coins": True,
        "copy": False,
    }
    assert "active" in xipnet("ls", *at)
    xipnet("activate", "copy", *at)
    xipnet("rm", "coins", *at)
    assert [(o["name"], o["active"]) for o in xipnet_json("ls", *at)] == [("copy", True)]

    found = xipnet_json("detect", EXAMPLES / "coins.png", "-o", tmp_path / "out.png", *at)
    assert len(found) >= 20
    assert (tmp_path / "out.png").stat().st_size > 1000
    assert "detections in 384x303" in xipnet("detect", EXAMPLES / "coins.png", *at)
    assert len(xipnet_json("profile", *at)["rows"]) > 5
    assert "CONV_2D" in xipnet("profile", *at)

    np.save(tmp_path / "x.npy", np.zeros((160, 160)))
    xipnet("infer", tmp_path / "x.npy", "-o", tmp_path / "y.npz", *at)
    (y,) = np.load(tmp_path / "y.npz").values()
    assert list(y.shape) == [1, 20, 20, 5]
    assert np.array(xipnet_json("infer", tmp_path / "x.npy", "--raw", *at)).shape == (1, *y.shape)


def test_a_model_is_validated_behind_its_upload(port: str, tmp_path: Path) -> None:
    model, samples = EXAMPLES / "caffe_digits" / "digits8.prototxt", tmp_path / "d.npz"
    kept = np.load(EXAMPLES / "caffe_digits" / "digits8.npz")
    x, y = kept["x"][:20], kept["y"][:20]
    np.savez(samples, x=x, y=y)
    at = ("--data", samples, "--port", port)
    said = xipnet_json("load", model, *at)
    told = said["validation"]
    assert (said["name"], told["samples"], told["reference"]) == ("digits8", 20, "litert")
    assert told["inputs_sha256"] == sha256(x.tobytes()).hexdigest()
    with Device(port) as board:
        outputs = np.stack([board.infer(one[None]) for one in x]).reshape(20, 10)
    assert told["outputs_sha256"] == sha256(outputs.tobytes()).hexdigest()
    errors = np.abs(outputs.astype(np.float64) - np.eye(10)[y]).mean(1)
    np.testing.assert_allclose([row["label_error"] for row in told["rows"]], errors)
    shown = xipnet("load", model, *at)
    accuracy, error = told["classification"]["accuracy"], errors.mean()
    for text in (f"{accuracy:.2%} ({accuracy * 20:.0f} of 20)", f"mean error         {error:.5f}"):
        assert text in shown
    for wrong, words in ((("--no-activate",), "only stores it"), ((), "this is a bundle")):
        given = model if wrong else EXAMPLES / "pipeline.toml"
        refused = CliRunner().invoke(main, [str(a) for a in ("load", given, *wrong, *at)])
        assert (refused.exit_code, words in refused.output) == (2, True)


def test_info(port: str) -> None:
    assert xipnet_json("info", "--port", port)["cpu"] == "cortex-m55"
    assert "mps3_an547 (cortex-m55 at 32 MHz)" in xipnet("info", "--port", port)


def test_run_prints_live_and_shows_the_boards_traceback(port: str, tmp_path: Path) -> None:
    script = tmp_path / "s.py"
    script.write_text("for i in range(3):\n    print('line', i)\n1 / 0\n")
    result = CliRunner().invoke(main, ["run", str(script), "--port", port])
    assert result.exit_code == 1
    assert result.output.startswith("line 0\nline 1\nline 2\n")
    assert "ZeroDivisionError" in result.output


def test_a_port_in_use_is_said(port: str) -> None:
    with Device(port), pytest.raises(PortBusyError, match="in use by another Device"):
        Device(port)


def test_mpremote_works_a_moment_after_the_sdk_and_the_other_way_round(
    port: str, coins_blob: bytes
) -> None:
    pytest.importorskip("mpremote")
    with Device(port) as board:
        board.load_model(coins_blob, "seen")
    code = "import xipnet; print(xipnet.models())"
    command = [sys.executable, "-m", "mpremote", "connect", port, "exec", code]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "seen" in run.stdout
    with Device(port) as board:
        assert "seen" in [o.name for o in board.models()]
        assert board.exec("print(1 + 1)") == "2\r\n"


def test_repl_passes_keys_and_leaves(port: str) -> None:
    with terminal("repl", "--port", port) as (process, keys):
        assert b">>> " in read_until(keys, b">>> ")
        os.write(keys, b"while True: pass\r\r")
        time.sleep(0.5)
        os.write(keys, b"\x03")
        assert b"KeyboardInterrupt" in read_until(keys, b"KeyboardInterrupt")
        os.write(keys, b"print(6 * 7)\r")
        assert b"42\r\n" in read_until(keys, b"42\r\n")
        os.write(keys, b"\x1d")
        assert process.wait(20) == 0


@contextlib.contextmanager
def terminal(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the command in a terminal; yield it and the file to type into."""
    leader, follower = pty.openpty()
    command = [*COMMAND, *arguments]
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower) as process:
        os.close(follower)
        try:
            yield process, leader
        finally:
            process.kill()
            os.close(leader)


def read_until(file: int, mark: bytes) -> bytes:
    """Read up to the mark, for at most 30 s."""
    seen, deadline = b"", time.monotonic() + 30
    while mark not in seen and time.monotonic() < deadline:
        if select.select([file], [], [], 0.2)[0]:
            seen += os.read(file, 4096)
    return seen


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_qemu_stays_behind_however_sim_ends(how: signal.Signals) -> None:
    with running_sim("cortex-m4") as (process, announced):
        process.send_signal(how)
        process.wait(20)
        deadline = time.monotonic() + 10
        while is_running(announced["pid"]) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not is_running(announced["pid"])


def is_running(pid: int) -> bool:
    """Say if a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_demo_finds_the_coins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = xipnet("demo")
    assert "24 detections" in shown or "detections in 384x303" in shown
    assert (tmp_path / "out" / "coins_detected.png").exists()
