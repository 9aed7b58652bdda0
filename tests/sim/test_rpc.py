"""Functions, events and tasks between this program and a virtual board."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host_sdk import Device, PythonError
from host_sdk.errors import MethodError, PythonInterruptedError
from tests.sim.conftest import NoisyTransport, PluggedBoard, evaluate, example_model

pytestmark = pytest.mark.sim

# The M55 has double precision; see test_single_precision for a board that has not.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**150), 2**150)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.binary(max_size=40)
)
KEYS = st.text(st.characters(codec="utf-8"), max_size=8) | st.integers() | st.binary(max_size=4)
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)
NAMES = st.from_regex(r"[a-c]{1,3}", fullmatch=True)  # few: the board keeps each it ever saw

SCRIPT = '''
import xipnet, time

@xipnet.rpc
def same(*args, **kwargs):
    """Gives back what it got."""
    return [args, kwargs]

@xipnet.rpc
def echo(x): return x

@xipnet.rpc
def add(a, b=2, *, c=None):
    # A remark before the docstring.
    "Adds: a, b."
    return a + b

@xipnet.rpc
def deep(n): return 1 / 0 if n == 0 else deep(n - 1)

@xipnet.rpc
def spin():
    while True: pass
'''


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with Device("sim://cortex-m55") as device:
        device.exec(SCRIPT)
        yield device


ARGUMENTS = given(st.lists(NESTED, max_size=4), st.dictionaries(NAMES, NESTED, max_size=3))
CALM = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(CALM, max_examples=60)
@ARGUMENTS
def test_random_arguments_come_back_equal(
    board: Device, args: list[Any], kwargs: dict[str, Any]
) -> None:
    assert board.rpc.same(*args, **kwargs) == [args, kwargs]


@pytest.mark.slow
@settings(CALM, max_examples=1000)
@ARGUMENTS
def test_a_thousand_calls_come_back_equal(
    board: Device, args: list[Any], kwargs: dict[str, Any]
) -> None:
    assert board.rpc.same(*args, **kwargs) == [args, kwargs]


@pytest.mark.parametrize("code", "bBhHiIqQfd")
@pytest.mark.parametrize("shape", [(7,), (2, 3), (0,), (1, 0, 2), (2, 2, 2, 2)])
def test_arrays_keep_dtype_and_shape(board: Device, code: str, shape: tuple[int, ...]) -> None:
    array = (np.arange(np.prod(shape)) * 3).astype(code).reshape(shape)
    back = board.rpc.echo(array)
    assert (back.dtype, back.shape) == (array.dtype, shape)
    np.testing.assert_array_equal(back, array)


def test_arrays_on_the_board(board: Device) -> None:
    board.exec(
        "def look(a):\n"
        "    a[1, 2] = 9\n"
        "    return repr(a), a.shape, a.items[5], bytes(memoryview(a))[:4]\n"
        "xipnet.rpc(look)\n"
        "import array\n"
        "xipnet.rpc(lambda: xipnet.Array(array.array('h', range(6)), (3, 2)), 'made')\n"
    )
    array = np.array([[1, 2, 3], [4, 5, 6]], np.int8)
    assert board.rpc.look(array) == ["<Array 'b' (2, 3)>", [2, 3], 9, b"\1\2\3\4"]
    np.testing.assert_array_equal(board.rpc.made(), np.arange(6).reshape(3, 2))
    for wrong in ("(7,)", "(2, 2)", "()", "(-1, -6)", "(2**31, 2**31)"):
        with pytest.raises(PythonError, match="Error"):
            board.eval(f"xipnet.Array(bytes(6), {wrong})")


def test_small_integers_are_the_vms_own(board: Device) -> None:
    board.exec("xipnet.rpc(lambda n: (bytes(n), [7, 8, 9][n], n is 2), 'use')")
    assert board.rpc.use(2) == [b"\0\0", 9, True]


def test_signature_and_docstring(board: Device) -> None:
    assert {"add", "deep", "echo", "same", "spin"} <= set(dir(board.rpc))
    lines = repr(board.rpc).splitlines()
    assert "add(a, b=2, *, c=None)" in lines
    assert "same(*args, **kwargs)" in lines
    assert board.rpc.add.__doc__ == "Adds: a, b."
    assert board.rpc.same.__doc__ == "Gives back what it got."
    assert board.rpc.deep.__doc__ is None


def test_docstrings_of_files(board: Device) -> None:
    source = 'import xipnet\n@xipnet.rpc\ndef filed(x=(1, "):")):\n    """In a file."""\n'
    board.exec(f"with open('mod.py', 'w') as f: f.write({source!r})")
    board.exec("import mod")
    assert board.rpc.filed.__doc__ == "In a file."
    assert "filed(x=(1, '):'))" in repr(board.rpc)


def test_many_functions_are_listed_in_pages(board: Device) -> None:
    board.exec("for i in range(70): xipnet.rpc(len, 'f%02d' % i, 'x' * 400)")
    assert {f"f{i:02}" for i in range(70)} <= set(dir(board.rpc))


def test_exceptions_carry_the_traceback(board: Device) -> None:
    with pytest.raises(PythonError, match="ZeroDivisionError") as info:
        board.rpc.deep(2)
    assert info.value.traceback.count("in deep") == 3
    with pytest.raises(PythonError, match="TypeError"):
        board.rpc.add()
    with pytest.raises(PythonError, match="unexpected keyword"):
        board.rpc.add(1, z=2)
    with pytest.raises(MethodError, match="registered as nothing"):
        board.rpc.call("nothing")
    board.exec("xipnet.rpc(object, 'thing')")
    with pytest.raises(PythonError, match="cannot carry object"):
        board.rpc.thing()


def test_names_of_keywords_do_not_fill_the_memory(board: Device) -> None:
    free = "__import__('gc').collect() or __import__('gc').mem_free()"
    with contextlib.suppress(PythonError):
        for n in range(1000):
            board.rpc.same(**{f"a_new_name_{n:03}": n})
    left = evaluate(board, free)
    for n in range(1000, 1100):
        with pytest.raises(PythonError, match="too many new keyword names"):
            board.rpc.same(**{f"a_new_name_{n}": n})
    assert evaluate(board, free) > left - 1024
    assert board.rpc.same(a_new_name_000=1) == [[], {"a_new_name_000": 1}]
    board.reset()
    board.exec(SCRIPT)
    assert board.rpc.same(a_new_name_1000=1) == [[], {"a_new_name_1000": 1}]


def test_a_call_while_a_script_spins(board: Device) -> None:
    def spin() -> None:
        with pytest.raises(PythonInterruptedError):
            board.exec("while True: pass")

    thread = threading.Thread(target=spin)
    thread.start()
    assert [board.rpc.add(i) for i in range(50)] == [i + 2 for i in range(50)]
    board.interrupt()
    thread.join()


def test_a_long_call_lets_others_through(board: Device) -> None:
    def spin() -> None:
        with pytest.raises(PythonInterruptedError):
            board.rpc.spin()

    thread = threading.Thread(target=spin)
    thread.start()
    assert board.info().board == "mps3_an547"
    assert board.eval("1 + 1") == 2
    assert board.ls() is not None
    board.interrupt()
    thread.join()
    assert board.rpc.add(1) == 3


def double(values: list[int], *, by: int = 2) -> dict[str, list[int]]:
    """Runs on the board."""  # noqa: D401
    import sys

    return {sys.platform: [v * by for v in values]}


def test_a_task_runs_on_the_board(board: Device) -> None:
    task = board.task(double)
    assert task([1, 2**70], by=3) == {"xipnet": [3, 3 * 2**70]}
    assert board.rpc.double.__doc__ == "Runs on the board."


def test_prints_arrive_live(board: Device) -> None:
    came, pieces = threading.Event(), [""]

    def hear(text: str) -> None:
        pieces.append(text)
        if "now" in "".join(pieces):
            came.set()

    board.stdout.listener = hear
    board.exec("going = True\ndef stop():\n    global going\n    going = False\nxipnet.rpc(stop)")
    thread = threading.Thread(target=lambda: board.exec("print('now')\nwhile going: pass"))
    thread.start()
    assert came.wait(10)  # while the script still runs
    board.rpc.stop()
    thread.join()
    board.stdout.listener = None


def test_events_tell_in_order(board: Device) -> None:
    with board.events("n", timeout_s=10) as stream:
        board.exec("for i in range(200): assert xipnet.emit('n', {'i': i})")
        assert [next(stream).value for _ in range(200)] == [{"i": i} for i in range(200)]
    with pytest.raises(PythonError, match="event must fit 4096 bytes"):
        board.exec("xipnet.emit('big', bytes(5000))")
    assert board.lost_events == 0


def test_without_a_listener_nothing_is_sent() -> None:
    with Device("sim://cortex-m55") as device:
        device.exec("import xipnet")
        assert device.eval("xipnet.emit('t', 1)") is False


def test_registered_functions_end_with_the_vm(board: Device) -> None:
    with Device("sim://cortex-m55") as device:
        device.exec(SCRIPT)
        assert device.rpc.add(1) == 3
        device.write_text(b"\x04")
        deadline = time.monotonic() + 20
        while "soft reboot" not in device.stdout.read():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(MethodError):
            device.rpc.call("add", (1,))


def test_a_call_runs_once_on_a_noisy_line(plugged: PluggedBoard) -> None:
    noisy = NoisyTransport(plugged.transport, 0.0)
    with Device(noisy) as device:
        device.exec(
            "import xipnet\ncount = 0\n@xipnet.rpc\n"
            "def bump(ballast, wanted):\n"
            "    global count\n    count += 1\n    return count, bytes(wanted)\n"
        )
        noisy.rate = 4e-4
        for i in range(120):
            wanted = 400 * (i % 2)  # the board keeps long replies in another place than short ones
            assert device.rpc.bump("x" * 60, wanted) == [i + 1, bytes(wanted)]
        noisy.rate = 0.0
        assert noisy.corrupted > 5


def test_single_precision() -> None:
    with Device("sim://cortex-m4") as device:
        device.exec("import xipnet\nxipnet.rpc(lambda x: x, 'echo')")
        assert device.rpc.echo(1.5) == 1.5
        assert device.rpc.echo(0.1) == float(np.float32(0.1))
        array = np.array([0.1, 1e300])
        np.testing.assert_array_equal(device.rpc.echo(array), array)  # arrays keep their bits


@pytest.mark.slow
def test_ten_thousand_events_while_a_model_runs(board: Device) -> None:
    board.load_model(example_model("digits"))
    script = (
        "model = xipnet.Model('digits')\n"
        "for i in range(10000):\n"
        "    xipnet.emit('n', i)\n"
        "    if i % 50 == 0: model.run()\n"
    )
    with board.events("n", timeout_s=60) as stream:
        thread = threading.Thread(target=lambda: board.exec(script))
        thread.start()
        while thread.is_alive():
            board.classify(np.zeros((8, 8), np.uint8))  # runs the active model in between
        thread.join()
        assert [next(stream).value for _ in range(10000)] == list(range(10000))
    assert (board.lost_events, stream.dropped) == (0, 0)
