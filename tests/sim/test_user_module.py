"""xipnet as a user C module of upstream's own port for QEMU, a Cortex-M3 board.

Built from the source as it is, of two releases, and served to the SDK. The pinned one is built with
the flags of upstream's stricter ports, and without what only ports/qemu includes by itself.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from host_sdk import Device
from host_sdk.transports.stream import SocketTransport
from relocatable import compile_model
from relocatable.blob.host import run as run_on_host
from tests.local_port import connect, free_port
from tests.micropython_releases import RELEASES, release_source
from tests.sim.conftest import example_model
from tests.sim.transcript import check, python_steps, read_blocks

pytestmark = [pytest.mark.sim, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
USERMOD = ROOT / "device_fw" / "micropython" / "usermod" / "boards"
WAIT_S = 60.0


# Of ports/stm32, mimxrt, renesas-ra and samd, which come after a module's own.
STRICT = "-fsingle-precision-constant -Wpointer-arith -Wdouble-promotion -Wfloat-conversion -Werror"


@pytest.fixture(scope="module", params=RELEASES)
def firmware(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    for tool in ("arm-none-eabi-gcc", "make"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool} (Debian: gcc-arm-none-eabi libnewlib-arm-none-eabi make)")
    port = release_source(request.param) / "ports" / "qemu"
    build = tmp_path_factory.mktemp("usermod")
    flags = "-DXN_USER_ARENA_BYTES=262144 -DXN_USER_FLASH_BYTES=1048576"
    strict = []
    if request.param == "pinned":
        flags += f" -I{bare_port(port, build / 'bare')}"
        strict = [f"CFLAGS_EXTRA={STRICT}"]
    command = [
        *("make", "-C", str(port), "-j2", "BOARD=MPS2_AN385"),
        *(f"BUILD={build}", "FROZEN_MANIFEST=", f"USER_C_MODULES={ROOT / 'device_fw'}"),
        f"XIPNET_PORT_C={USERMOD / 'qemu_mps2.c'}",
        f"LDSCRIPT={USERMOD / 'qemu_mps2.ld'}",
        *(f"XIPNET_CFLAGS={flags}", *strict),
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-4000:]
    return build / "firmware.elf"


def bare_port(port: Path, out: Path) -> Path:
    """Write a port's mphalport.h that includes nothing of shared/, as that of stm32."""
    text = (port / "mphalport.h").read_text(encoding="utf-8")
    included = '#include "shared/runtime/interrupt_char.h"\n'
    assert included in text
    out.mkdir()
    bare = text.replace(included, "void mp_hal_set_interrupt_char(int c);\n")
    (out / "mphalport.h").write_text(bare, encoding="utf-8")
    return out


class Prompt:
    """The prompt of a board, as text."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire

    def until(self, end: bytes) -> bytes:
        seen = b""
        while not seen.endswith(end):
            got = self.wire.recv(4096)
            assert got, f"the board is gone after {seen!r}"
            seen += got
        return seen

    def line(self, text: str) -> str:
        self.wire.sendall(text.encode() + b"\r")
        return self.until(b">>> ").partition(b"\r\n")[2].decode()


@pytest.fixture
def prompt(firmware: Path) -> Iterator[Prompt]:
    port = free_port()
    serial = f"tcp:127.0.0.1:{port},server=on,wait=on,nodelay=on"
    command = ["qemu-system-arm", "-machine", "mps2-an385", "-nographic", "-monitor", "null"]
    command += ["-semihosting", "-serial", serial, "-kernel", str(firmware)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with connect(port, WAIT_S) as wire:
            wire.settimeout(WAIT_S)
            prompt = Prompt(wire)
            prompt.until(b">>> ")
            yield prompt
    finally:
        process.kill()
        process.wait()


def test_the_module_works_at_the_prompt(prompt: Prompt) -> None:
    assert "'cpu': 'cortex-m3'" in prompt.line("import xipnet; xipnet.info()")
    prompt.line("xipnet.store.write('x', b'abc')")
    assert prompt.line("bytes(xipnet.store.read('x'))").startswith("b'abc'")
    resized = prompt.line("list(xipnet.preprocess.resize(bytes(range(16)), (4, 4), (2, 2)))")
    pixels = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4))
    expected = pixels.resize((2, 2), Image.Resampling.BILINEAR)
    assert resized.startswith(str(np.asarray(expected).ravel().tolist()))


def test_the_page_shows_what_happens(prompt: Prompt) -> None:
    page = ROOT / "docs" / "PORTING.md"
    steps = [s for b in read_blocks(page) if b.kind == "pycon usermod" for s in python_steps(b)]
    assert steps
    for step in steps:
        check(page, step, prompt.line(step.typed.rstrip("\n")).removesuffix(">>> "))


def test_serve_gives_the_board_to_the_sdk(prompt: Prompt) -> None:
    prompt.line("import xipnet; kept = 41")
    prompt.wire.sendall(b"xipnet.serve()\r")
    prompt.until(b"serve()\r\n")
    model = example_model("digits")
    x = np.random.default_rng(2).integers(0, 256, (1, 8, 8, 1), np.uint8)
    with Device(SocketTransport(prompt.wire, "usermod", lambda: None)) as board:
        assert board.eval("kept + 1") == 42
        assert board.exec("print('printed')").strip() == "printed"
        assert board.load_model(model).golden
        np.testing.assert_array_equal(
            board.infer(x, raw=True),
            run_on_host(compile_model(model, target="host"), x),
        )
        board.exec("@xipnet.rpc\ndef double(n):\n    return 2 * n\n")
        assert board.rpc.double(21) == 42
        board.put("notes.txt", b"abc" * 1000)
        assert board.get("notes.txt") == b"abc" * 1000
        board.write_text(b"\x03")
        assert shown(board, ">>> ")
        board.write_text(b"kept, xipnet.models()[0]['name']\r")
        assert "(41, 'digits')" in shown(board, "')")


# What the bytes of a frame may leave a prompt with.
LEFT = {
    "nothing": b"",
    "escape": b"x\x1b",
    "long_escape": b"x\x1b[1",
    "bracket": b"(\r",
    "string": b'"""',
    "block": b"if 1:\r",
    "paste": b"\x05x",
    "raw": b"\x01x",
}


@pytest.mark.parametrize("left", LEFT)
def test_the_sdk_starts_serving_by_itself(prompt: Prompt, left: str) -> None:
    prompt.line("kept = 41")
    prompt.wire.sendall(LEFT[left])
    with Device(SocketTransport(prompt.wire, "usermod", lambda: None)) as board:
        assert board.started_serving
        if left != "raw":  # there a byte 04 of the frame restarts Python
            assert board.eval("kept + 1") == 42


def shown(board: Device, end: str) -> str:
    """Read what the board prints, up to `end`."""
    deadline, text = time.monotonic() + WAIT_S, ""
    while end not in text:
        assert time.monotonic() < deadline, text
        text += board.stdout.read()
        time.sleep(0.02)
    return text
