"""Round trips from the PC to the virtual Cortex-M55 and back, in milliseconds:
how long until a function of the board has run and its result is here. All on
the same firmware in the same run, over one TCP connection that stands for the
UART; what counts is the ratio, for QEMU and the PC have a part in each.

`ping` is answered in C, `call` runs a Python function (`board.rpc.f(x)`). "Under a loop": the
prompt runs `while True: pass` at the same time. `mpremote exec` is the command, which starts,
connects and runs `print(f(1))` in an open board (`resume`); "within one connection" leaves the
start out: the class that the command uses, in the raw REPL. Belay calls a function by its task
decorator over the raw REPL, here through a pseudo-terminal, as it takes devices only; it is left
out if it is not installed (`pip install belay`). None of the two can do anything while a loop
runs, but stop it.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import statistics
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator

from host_sdk import Device
from host_sdk.transports.qemu import Qemu, find_board

CALLS = 1000
PEER_CALLS = 300
COMMANDS = 12
SETUP = "import xipnet\n@xipnet.rpc\ndef f(x):\n    return x + 1\n"
PROMPT_S = 0.5

Times = list[float]


@contextlib.contextmanager
def virtual_board() -> Iterator[str]:
    """Run a board at a TCP port, for one tool after another; yield its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        port = server.getsockname()[1]
        qemu = Qemu(find_board("cortex-m55"), None, server)
    try:
        yield f"socket://127.0.0.1:{port}"
    finally:
        qemu.close()


def clock(call: Callable[[], object], count: int) -> Times:
    """Milliseconds of each call; the first few are not counted."""
    times = []
    for i in range(count + 5):
        start = time.perf_counter()
        call()
        if i >= 5:
            times.append((time.perf_counter() - start) * 1e3)
    return times


@contextlib.contextmanager
def serial_port(url: str) -> Iterator[str]:
    """Join a pseudo-terminal to a TCP port, for tools that want a device."""
    here, there = os.openpty()
    tty.setraw(there)
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as wire:
        ended = threading.Event()

        def copy() -> None:
            while not ended.is_set():
                watched: list[int | socket.socket] = [here, wire]
                for ready in select.select(watched, [], [], 0.1)[0]:
                    if ready is wire:
                        os.write(here, wire.recv(4096))
                    else:
                        wire.sendall(os.read(here, 4096))

        thread = threading.Thread(target=copy)
        thread.start()
        try:
            yield os.ttyname(there)
        finally:
            ended.set()
            thread.join()
            os.close(here)
            os.close(there)


def ours(url: str) -> dict[str, Times]:
    with Device(url) as board:
        board.exec(SETUP)
        function = board.rpc.f
        rows = {"ping": clock(lambda: board.ping(1), CALLS)}
        rows["call"] = clock(lambda: function(1), CALLS)
        board.write_text(b"while True: pass\r\r")
        time.sleep(PROMPT_S)
        rows["ping, under a loop"] = clock(lambda: board.ping(1), CALLS)
        rows["call, under a loop"] = clock(lambda: function(1), CALLS)
        board.interrupt()
        time.sleep(PROMPT_S)
    return rows


def mpremote_command(url: str) -> Times:
    command = [sys.executable, "-m", "mpremote", "connect", url, "resume", "exec", "print(f(1))"]

    def run() -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "2", done

    return clock(run, COMMANDS)


def mpremote_connected(url: str) -> Times:
    from mpremote.transport_serial import SerialTransport

    transport = SerialTransport(url)
    try:
        transport.enter_raw_repl(soft_reset=False)
        times = clock(lambda: transport.exec("print(f(1))"), PEER_CALLS)
        transport.exit_raw_repl()
    finally:
        transport.close()
    return times


def belay_task(url: str) -> Times | None:
    try:
        import belay
    except ImportError:
        return None

    with serial_port(url) as port, belay.Device(port, startup="") as device:

        @device.task
        def f(x):  # type: ignore[no-untyped-def]  # its source goes to the board
            return x + 1

        return clock(lambda: f(1), PEER_CALLS)


def table() -> str:
    """Write the Markdown table."""
    with virtual_board() as url:
        rows = {f"xipnet, {name}": times for name, times in ours(url).items()}
        rows["`mpremote exec`"] = mpremote_command(url)
        rows["mpremote, within one connection"] = mpremote_connected(url)
        belay = belay_task(url)
    if belay is not None:
        rows["belay, task"] = belay
    base = statistics.median(rows["xipnet, call"])
    lines = ["| round trip, ms | median | p99 | times our call |", "|---|--:|--:|--:|"]
    for name, times in rows.items():
        median = statistics.median(times)
        p99 = sorted(times)[min(len(times) * 99 // 100, len(times) - 1)]
        lines.append(f"| {name} | {median:.2f} | {p99:.2f} | {median / base:.1f} |")
    return "\n".join(lines)
