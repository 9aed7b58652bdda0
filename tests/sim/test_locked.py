"""What a locked board answers, runs and gives: SPEC-trust, section 5, row by row."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from host_sdk.store.patch import make_patch
from tests.c.sealing import OWNER, PRODUCT, SECOND, STRANGER, order, public, seal
from tests.sim.locked_board import (
    ACTIVE,
    BLOB,
    COUNTED,
    DATA,
    GONE,
    HALF,
    LOCKED,
    SCRIPT,
    SEALED,
    UNSEALED,
    WARN,
    Images,
    adds,
    begin,
    lock,
    put,
    put_sealed,
    unlock,
)
from tests.sim.machine import PROMPT, Machine, RefusedError
from tests.unit.host_sdk.store.damage import flip

pytestmark = pytest.mark.sim

BOARD = "mps2_an386-lockable"
OTHERS = ["mps2_an500-lockable", "mps3_an547-lockable"]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "SPEC-trust.md"
E_PARAMS, E_NO_SPACE, E_RANGE, E_SESSION, E_RESTARTED = -4, -21, -23, -25, -82
E_SEAL, E_COUNTER, E_LOCKED, E_TRUST = -90, -91, -92, -93


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    return Images(BOARD, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def board(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Start a locked board that the tests leave as it is."""
    with images.start(images.locked, tmp_path_factory.mktemp("board") / "flash") as machine:
        yield machine


@pytest.fixture
def locked(images: Images, tmp_path: Path) -> Iterator[Machine]:
    """Start a locked board of the test's own; its flash is in `flash`."""
    with images.start(images.locked, tmp_path / "flash") as machine:
        yield machine


@pytest.fixture
def opened(images: Images, tmp_path: Path) -> Iterator[Machine]:
    """Start the board as it was before it was locked."""
    with images.start(images.opened, tmp_path / "flash", prompt=True) as machine:
        yield machine


def refusal(machine: Machine, method: str, *params: Any) -> tuple[int, str]:
    with pytest.raises(RefusedError) as refused:
        machine.call(method, *params)
    code, words, _ = refused.value.args
    return code, words


def tell(machine: Machine, source: str) -> str:
    """Return what an expression gives or raises in the sealed script, as text."""
    told: str = machine.call("call", "tell", [source], {})
    return told


def held(machine: Machine) -> dict[str, dict[str, Any]]:
    """List what the board tells of, withdrawn and unfinished ones too, by name."""
    items: list[dict[str, Any]] = []
    while page := machine.call("held", len(items)):
        items += page
    return {item["name"]: item for item in items}


def names(machine: Machine) -> list[str]:
    return [item["name"] for item in machine.call("ls")]


def restart(machine: Machine, flash: Path, images: Images) -> AbstractContextManager[Machine]:
    """Pull the plug and start again with the same flash."""
    machine.kill()
    return images.start(images.locked, flash)


# ---- The page ------------------------------------------------------------------------------------

AS_EVER = {"hello", "help", "ping", "trust", "challenge", "unlock", "attest"}
LISTS = {"ls", "trial", "history", "wear"}
LIVE = {"held", "hashes", "put_copy", "put_patch"}
SEALED_ONLY = {"put_begin", "put_data", "put_end", "activate", "confirm", "rollback"}
RUNS = {"run", "in_write", "reset_state"}
CALLS = {"call", "rpc_list"}
READS: dict[str, tuple[Any, ...]] = {
    "get": ("sealed.bin", 0, 16),
    "model": (),
    "out_read": (0, 1),
    "run_steps": (0, 0, 1),
    "arena_read": (0, 1),
}
REFUSED: dict[str, tuple[Any, ...]] = {
    "rm": ("lib.py",),
    "format": ("erase all",),
    "baud": (115200,),
    "reset(true)": (True,),
    "exec": ("print('it', 'ran')",),
    "eval": ("1",),
    "interrupt": (),
    "events": (),
    "flash_read": (0, 16),
    "device_seed": (bytes(32),),
    "trust_set": (0, "", []),
}


def test_the_tests_know_every_row_and_every_method(board: Machine) -> None:
    section = PAGE.read_text("utf-8").partition("\n## 5.")[2].partition("\n## 6.")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    written = [set(re.findall(r"`([a-z_]+(?:\([a-z]+\))?)`", row)) for row in rows]
    rows_here = [AS_EVER | {"reset(false)"}, LISTS, LIVE, SEALED_ONLY, RUNS, CALLS]
    assert written == [*rows_here, set(READS), set(REFUSED)]
    known = {name.partition("(")[0] for row in written for name in row}
    assert known == set(board.call("hello", 1)["methods"])


# ---- As ever -------------------------------------------------------------------------------------


def test_it_tells_what_it_is(board: Machine) -> None:
    told = board.call("hello", 1)
    assert (told["trust"], told["unlocked"], told["safe"]) == (LOCKED, False, 0)
    assert board.call("help", "ping") == "ping(x) -> x"
    assert board.call("ping", [1, "a"]) == [1, "a"]
    trust = board.call("trust")
    assert (trust["state"], trust["keys"], trust["reads"]) == (LOCKED, [public(OWNER)], False)
    assert trust["unsealed"] == len(UNSEALED)
    assert len(board.call("challenge")["nonce"]) == 32
    assert len(board.call("attest", bytes(32))["report"]) == 224
    assert {o["name"]: o["sealed"] for o in board.call("ls")} == {
        **dict.fromkeys([ACTIVE, *SEALED], True),
        **dict.fromkeys(UNSEALED, False),
    }
    assert board.call("trial") is None
    assert board.call("history", ACTIVE)
    assert board.call("wear")["sectors"] > 0


def test_the_active_model_runs(board: Machine) -> None:
    assert board.call("run", 0, [b"\x05"])["result"] == b"\x07"
    board.call("in_write", 0, 0, b"\x06")
    assert board.call("run")["result"] == b"\x08"
    board.call("reset_state")


def test_sealed_functions_are_called_and_emit_sends_nothing(board: Machine) -> None:
    assert [row[0] for row in board.call("rpc_list")] == ["tell", "do"]
    assert tell(board, "6 * 7") == "42"
    assert refusal(board, "events")[0] == E_LOCKED
    assert tell(board, "xipnet.emit('topic', 1)") == "False"
    assert board.notes == []


# ---- Refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", REFUSED)
def test_a_locked_board_does_not(board: Machine, method: str) -> None:
    board.text = b""
    answer = refusal(board, method.partition("(")[0], *REFUSED[method])
    assert answer == (E_LOCKED, f"board is locked: {method}")
    assert (board.text, board.notes) == (b"", [])
    assert "lib.py" in names(board)


@pytest.mark.parametrize("method", READS)
def test_results_are_not_read_if_the_policy_does_not_say_so(board: Machine, method: str) -> None:
    assert refusal(board, method, *READS[method]) == (E_LOCKED, f"board is locked: {method}")


def test_results_are_read_if_the_policy_says_so(locked: Machine) -> None:
    unlock(locked)
    lock(locked, reads=True)
    locked.call("reset")
    locked.boot(prompt=False)
    locked.call("run", 0, [b"\x05"])
    for method, params in READS.items():
        locked.call(method, *params)
    assert locked.call("get", "sealed.bin", 0, 6) == b"sealed"
    assert refusal(locked, "get", "loose.bin", 0, 6)[0] == E_SEAL
    assert refusal(locked, "flash_read", 0, 16)[0] == E_LOCKED


# ---- Bytes that are not sealed -------------------------------------------------------------------


@pytest.mark.parametrize("name", UNSEALED)
def test_nothing_is_put_without_a_seal(board: Machine, name: str) -> None:
    kind, data = UNSEALED[name]
    for sealed in (None, seal(name, data, kind, key=STRANGER), seal(name, data, kind)[:-1]):
        with pytest.raises(RefusedError) as refused:
            begin(board, name, kind, data, sealed)
        assert refused.value.args[0] in (E_SEAL, E_PARAMS)


@pytest.mark.parametrize(
    "sealed",
    [
        seal("main.py", SEALED["lib.py"][1], SCRIPT),
        seal("lib.py", SEALED["lib.py"][1], DATA),
        seal("lib.py", SEALED["lib.py"][1], SCRIPT, product="kettle"),
        seal("lib.py", SEALED["lib.py"][1], SCRIPT, key=SECOND),
        seal("lib.py", SEALED["lib.py"][1] + b" ", SCRIPT),
        bytes(192),
    ],
    ids=["name", "kind", "product", "key", "bytes", "zeros"],
)
def test_a_seal_for_something_else_is_none(board: Machine, sealed: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        begin(board, "lib.py", SCRIPT, SEALED["lib.py"][1], sealed)
    assert refused.value.args[0] == E_SEAL


def test_what_is_sent_must_be_what_is_sealed(locked: Machine) -> None:
    data, other = b"sealed, but something else is sent", b"this is sent, it has the same size"
    assert len(data) == len(other)
    begun = begin(locked, "new.bin", DATA, data, seal("new.bin", data, DATA))
    locked.call("put_data", begun["session"], 0, other)
    with pytest.raises(RefusedError, match="SHA-256 of the bytes is not the stated one"):
        locked.call("put_end", begun["session"])
    assert "new.bin" not in names(locked)
    put_sealed(locked, "new.bin", data, DATA)
    assert tell(locked, "bytes(xipnet.store.read('new.bin'))") == repr(data)


def test_pieces_need_an_upload_that_began_with_a_seal(board: Machine) -> None:
    assert refusal(board, "put_data", 1, 0, b"x")[0] == E_SESSION
    assert refusal(board, "put_end", 1)[0] == E_SESSION


@pytest.mark.parametrize("limit_ms", [0, 60001, 2**32 - 1])
def test_a_golden_runs_limit_has_a_limit(locked: Machine, limit_ms: int) -> None:
    sealed = seal("new", adds(3), BLOB)
    begun = begin(locked, "new", BLOB, adds(3), sealed)
    locked.call("put_data", begun["session"], 0, adds(3))
    assert refusal(locked, "put_end", begun["session"], True, 0, 0, limit_ms)[0] == E_PARAMS


def test_models_without_a_seal_do_not_become_active(board: Machine) -> None:
    code, words = refusal(board, "activate", "loose")
    assert code == E_SEAL
    assert "loose: no seal" in words
    assert tell(board, "xipnet.activate('loose')").startswith("Error(-90, ")
    assert tell(board, "xipnet.Model('loose')").startswith("Error(-90, ")
    assert board.call("run", 0, [b"\x05"])["result"] == b"\x07"


def test_a_version_without_a_seal_is_not_returned_to(opened: Machine) -> None:
    put(opened, "third", BLOB, adds(3))
    put_sealed(opened, "third", adds(4), BLOB)
    lock(opened)
    code, words = refusal(opened, "rollback", "third")
    assert (code, "third: no seal" in words) == (E_SEAL, True)
    assert opened.call("rollback", ACTIVE)["version"] == 1
    assert opened.call("run", 0, [b"\x05"])["result"] == b"\x06"


def test_signed_updates_go_on_trial_and_stay(locked: Machine) -> None:
    sealed = seal(ACTIVE, adds(5), BLOB, counter=3)
    begun = begin(locked, ACTIVE, BLOB, adds(5), sealed)
    locked.call("put_data", begun["session"], 0, adds(5))
    assert locked.call("put_end", begun["session"], True, 60, 3)["pending"]
    assert locked.call("run", 0, [b"\x05"])["result"] == b"\x0a"
    locked.call("confirm", ACTIVE)
    assert locked.call("trial") is None


# ---- Bytes that are nobody's business ------------------------------------------------------------


def places(images: Images) -> dict[str, int]:
    """Find bytes in the locked image that no current or earlier object has."""
    flash = images.locked.read_bytes()
    return {"removed": flash.index(GONE[:256]), "unfinished": flash.index(HALF[:256])}


@pytest.mark.parametrize("which", ["removed", "unfinished"])
def test_what_is_not_live_is_neither_hashed_nor_copied(
    board: Machine, images: Images, which: str
) -> None:
    at = places(images)[which]
    assert refusal(board, "hashes", at, 256, 256)[0] == E_RANGE
    assert set(held(board)) == {ACTIVE, *SEALED, *UNSEALED}


@pytest.mark.parametrize("which", ["removed", "unfinished"])
def test_what_is_not_live_is_in_no_upload(locked: Machine, images: Images, which: str) -> None:
    at = places(images)[which]
    begun = begin(locked, "new.bin", DATA, GONE, seal("new.bin", GONE, DATA))
    session = begun["session"]
    assert not begun["have"]
    assert refusal(locked, "put_copy", session, 0, at, 256)[0] == E_RANGE
    patch = make_patch(GONE[:256], GONE[:256])
    assert refusal(locked, "put_patch", session, 0, at, 256, patch)[0] == E_RANGE
    locked.call("put_copy", session, 0, held(locked)["sealed.bin"]["at"], 256)
    assert len(locked.call("hashes", begun["at"], 256, 256)) == 8


# ---- Text ----------------------------------------------------------------------------------------

TYPED = [
    b"print('it', 'ran')\r",
    b"\x01print('it', 'ran')\x04",
    b"\x05A\x01print('it', 'ran')\x04",
    b"\x02",
    b"\x04",
    b"\x03" * 20,
    b"\x03\x03\x01print('it', 'ran')\x04\x02",
]


def test_text_is_dropped(board: Machine) -> None:
    board.text = b""
    for typed in TYPED:
        board.write(typed)
        assert board.call("ping", 1) == 1
    assert tell(board, "print('as text')") == "None"
    assert (board.text, board.notes) == (b"as text\r\n", [])
    assert board.call("hello", 1)["safe"] == 0


@pytest.mark.parametrize(
    "source", ["input()", "sys.stdin.read(1)", "sys.stdin.readline()", "sys.stdin.buffer.read(1)"]
)
def test_a_script_that_reads_text_is_told_the_end(board: Machine, source: str) -> None:
    board.write(b"some text\r")
    assert tell(board, source) == "EOFError()"


def test_breaks_at_the_start_and_later_do_nothing(locked: Machine) -> None:
    put_sealed(locked, "main.py", b"print('up')\nwhile True: pass")
    locked.request("reset")
    while not locked.notes:
        locked.write(b"\x03" * 20)
        locked.pump()
    locked.boot(prompt=False)
    for _ in range(10):
        locked.write(b"\x03" * 20)
        locked.pump()
    locked.until(b"up\r\n")
    locked.write(b"\x03" * 20)
    assert locked.call("ping", 1) == 1
    assert refusal(locked, "interrupt")[0] == E_LOCKED
    told = locked.call("hello", 1)
    assert (told["safe"], told["vm"]["restarts"], locked.notes) == (0, 0, [])
    assert b"Interrupt" not in locked.text


# ---- Scripts -------------------------------------------------------------------------------------


def test_only_sealed_scripts_ran(board: Machine) -> None:
    assert tell(board, "__import__('lib').VALUE") == "'of a sealed script'"
    assert tell(board, "open('/store/lib.py').read()") == repr(SEALED["lib.py"][1].decode())
    assert tell(board, "bytes(xipnet.store.read('sealed.bin'))") == repr(SEALED["sealed.bin"][1])


@pytest.mark.parametrize(
    ("source", "raised"),
    [
        ("__import__('loose')", "OSError(5, 'seal is missing"),
        ("__import__('parts')", "OSError(5, 'seal is missing"),
        ("open('/store/loose.py')", "OSError(5, 'seal is missing"),
        ("open('/store/loose.bin', 'rb')", "OSError(5, 'seal is missing"),
        ("exec(open('/store/loose.py').read())", "OSError(5, 'seal is missing"),
        ("xipnet.store.read('loose.bin')", "Error(-90, 'seal is missing"),
        ("xipnet.store.write('a.py', b'1')", "Error(-92, 'board is locked: store.write')"),
        ("xipnet.store.delete('lib.py')", "Error(-92, 'board is locked: store.delete')"),
        ("open('/store/new.py', 'w')", "OSError(30,"),
    ],
)
def test_scripts_get_and_leave_nothing_unsealed(board: Machine, source: str, raised: str) -> None:
    assert tell(board, source).startswith(raised)


def test_the_file_system_is_not_there(board: Machine) -> None:
    assert tell(board, "os.listdir('/')") == "['store']"
    assert tell(board, "sys.path") == "['', '/store']"
    assert tell(board, "[place for _, place in vfs.mount()]") == "['/store']"
    for source in ("__import__('filed')", "__import__('inlib')"):
        assert tell(board, source).startswith("ImportError(")
    assert tell(board, "open('/main.py')").startswith("OSError(")
    assert tell(board, "open('/new.py', 'w')").startswith("OSError(")


def test_python_has_no_raw_memory_and_no_raw_flash(board: Machine) -> None:
    assert tell(board, "__import__('uctypes')").startswith("ImportError(")
    given = tell(board, "[n for n in dir(__import__('machine')) if n[:3] == 'mem' or n == 'Flash']")
    assert given == "[]"


def test_a_start_script_without_a_seal_is_not_run(opened: Machine) -> None:
    for name in ("boot.py", "main.py"):
        opened.call("rm", name)
    lock(opened)
    unlock(opened)
    put(opened, "boot.py", SCRIPT, b"print('it', 'ran')")
    put(opened, "main.py", SCRIPT, b"print('it', 'ran')")
    opened.text = b""
    opened.call("reset")
    opened.boot(prompt=False)
    opened.until(b"main.py: no seal, version 1")
    assert opened.call("hello", 1)["safe"] == 0
    put_sealed(opened, "main.py", b"print('mended')", counter=2)
    opened.call("reset")
    opened.until(b"mended\r\n")
    assert b"it ran" not in opened.text
    assert PROMPT not in opened.text


@pytest.mark.parametrize(
    ("opens", "reads"),
    [
        ("xipnet.store.read('tail.bin')", "bytes(kept)"),
        ("open('/store/tail.bin', 'rb')", "kept.read()"),
    ],
)
def test_what_a_script_has_open_stays_what_it_was(locked: Machine, opens: str, reads: str) -> None:
    data = b"bytes of the last object in the flash"
    put_sealed(locked, "tail.bin", b"before", DATA)
    put_sealed(locked, "tail.bin", data, DATA)
    at = held(locked)["tail.bin"]["at"]
    locked.call("call", "do", [f"kept = {opens}"], {})
    locked.call("rollback", "tail.bin")
    # All the flash from there on is asked for, to its end.
    large = bytes(locked.call("hello", 1)["flash"]["size"] - at - 192)
    sealed = seal("large.bin", large, DATA)
    with pytest.raises(RefusedError) as refused:
        begin(locked, "large.bin", DATA, large, sealed)
    assert refused.value.args[0] == E_NO_SPACE
    assert tell(locked, reads) == repr(data)
    locked.call("reset")
    locked.boot(prompt=False)
    assert begin(locked, "large.bin", DATA, large, sealed)["at"] == at


# ---- Safe mode -----------------------------------------------------------------------------------


def test_after_crashes_it_only_serves(locked: Machine) -> None:
    put_sealed(locked, "main.py", b"import machine\nprint('crash')\nmachine.reset()", counter=2)
    locked.text = b""
    locked.request("reset")
    seen = locked.until(b"not run.\r\n")
    assert seen.count("crash\r\n") == 3
    assert "Safe mode, by crashes at start" in seen
    locked.notes.clear()
    for typed in TYPED:
        locked.write(typed)
        assert locked.call("ping", 1) == 1
    assert locked.text == b""
    assert locked.call("hello", 1)["safe"] == 2
    assert refusal(locked, "exec", "1")[0] == E_LOCKED
    assert locked.call("rpc_list") == []
    put_sealed(locked, "main.py", b"print('mended')", counter=3)
    locked.notes.clear()
    locked.call("reset")
    locked.boot(prompt=False)
    locked.until(b"mended\r\n")
    assert PROMPT not in locked.text


def test_a_script_that_raises_leaves_a_board_that_serves(locked: Machine) -> None:
    put_sealed(locked, "main.py", b"import xipnet\nxipnet.rpc(lambda: 5, 'five')\n1/0")
    locked.text = b""
    locked.call("reset")
    locked.boot(prompt=False)
    locked.until(b"ZeroDivisionError: divide by zero\r\n")
    locked.write(b"print('it', 'ran')\r")
    assert locked.call("call", "five", [], {}) == 5
    assert locked.text == b""


def test_python_that_was_given_up_runs_its_scripts_again(locked: Machine) -> None:
    put_sealed(locked, "main.py", b"print('up')\nn = 400000\n10**n")
    locked.call("reset")
    locked.boot(prompt=False)
    locked.until(b"up\r\n")
    assert "main.py" in names(locked)  # waits behind the builtin, and is served
    locked.until(b"up\r\n")
    told = locked.call("hello", 1)
    assert (told["safe"], told["vm"]["restarts"]) == (0, 1)
    assert PROMPT not in locked.text


# ---- Locking and unlocking -----------------------------------------------------------------------

RUNNING = """
import xipnet
xipnet.rpc(lambda: 1, 'unsealed')
import loose, forged
print('it', 'runs')
while True: pass
"""


def test_locking_ends_what_is_not_sealed(opened: Machine) -> None:
    forged = b"VALUE = 'of a script with a seal by a stranger'"
    put(opened, "forged.py", SCRIPT, forged, seal("forged.py", forged, SCRIPT, key=STRANGER))
    opened.call("events")
    request = opened.request("exec", RUNNING)
    opened.until(b"it runs\r\n")
    begun = begin(opened, "late.bin", DATA, b"without a seal")
    opened.call("put_data", begun["session"], 0, b"without a seal")
    waiting = opened.request("call", "unsealed", [], {})
    assert opened.reply(waiting) == 1
    lock(opened)
    with pytest.raises(RefusedError, match="Python was restarted: the board was locked"):
        opened.reply(request)
    opened.until(b"main runs\r\n")
    told = opened.call("hello", 1)
    assert (told["vm"], told["safe"]) == ({"restarts": 1, "cause": 3}, 0)
    assert [row[0] for row in opened.call("rpc_list")] == ["tell", "do"]
    assert refusal(opened, "call", "unsealed", [], {})[0] == -3
    for name in ("loose", "forged"):
        assert tell(opened, f"__import__('{name}')").startswith("OSError(5, 'seal is missing")
    assert tell(opened, "os.listdir('/')") == "['store']"
    assert tell(opened, "xipnet.emit('topic')") == "False"
    assert refusal(opened, "put_end", begun["session"])[0] in (E_SEAL, E_SESSION)
    opened.text = b""
    opened.write(b"print('it', 'ran')\r\x03\x03")
    assert opened.call("ping", 1) == 1
    assert opened.text == b""


SLOW = """
import xipnet
n = 400000
def slow():
    print('it', 'begins')
    10**n
xipnet.rpc(slow)
"""


def test_a_source_that_waits_is_not_run_on_a_board_that_was_locked(opened: Machine) -> None:
    opened.call("exec", SLOW)
    called = opened.request("call", "slow", [], {})
    opened.until(b"it begins\r\n")
    # Behind the builtin, which is given up for them; the source waits until Python has started.
    waiting = opened.request("exec", "print('it', 'ran')")
    opened.reply(opened.request("trust_set", LOCKED, PRODUCT, [public(OWNER)], False))
    for request, code in ((called, E_RESTARTED), (waiting, E_LOCKED)):
        with pytest.raises(RefusedError) as refused:
            opened.reply(request)
        assert refused.value.args[0] == code
    assert tell(opened, "1") == "1"
    assert b"it ran" not in opened.text


def test_what_is_open_at_the_prompt_ends_too(opened: Machine) -> None:
    opened.write(b"import loose; kept = loose")
    lock(opened)
    opened.until(b"Python was restarted: the board was locked\r\n")
    opened.until(b"main runs\r\n")
    assert tell(opened, "'kept' in globals()") == "False"
    assert PROMPT not in opened.text


def test_a_board_whose_main_is_not_sealed_is_not_locked(opened: Machine) -> None:
    put(opened, "main.py", SCRIPT, b"print('without a seal')")
    code, words = refusal(opened, "trust_set", LOCKED, PRODUCT, [public(OWNER)], False)
    assert (code, "main.py" in words) == (E_SEAL, True)
    assert opened.call("eval", "1") == 1


def test_unlocking_gives_the_prompt_and_a_start_takes_it(
    locked: Machine, images: Images, tmp_path: Path
) -> None:
    locked.text = b""
    locked.write(b"print('it', 'ran')\r")
    unlock(locked)
    locked.until()
    assert locked.prompt("state['xipnet'].__name__") == "'xipnet'\n"  # main's names are there
    assert locked.prompt("import os, sys; os.listdir('/')").count(".py") == 3
    assert locked.prompt("sys.path") == "['', '/store', '/lib']\n"
    assert locked.prompt("import loose, filed, inlib; loose.VALUE") != ""
    assert locked.call("eval", "1 + 1") == 2
    assert locked.call("hello", 1)["unlocked"]
    locked.write(b"\x04")  # a new life: as in state 1
    assert "main runs" in locked.until()
    assert locked.prompt("import sys; sys.path") == "['', '/lib', '/store']\n"
    assert b"it ran" not in locked.text
    with restart(locked, tmp_path / "flash", images) as again:
        assert refusal(again, "eval", "1")[0] == E_LOCKED
        again.write(b"print('it', 'ran')\r")
        assert tell(again, "os.listdir('/')") == "['store']"
        assert again.text == b""


def test_text_from_before_the_order_is_not_run_after_it(images: Images, tmp_path: Path) -> None:
    shutil.copyfile(images.locked, tmp_path / "flash")
    with Machine(BOARD, tmp_path / "flash") as machine:
        # Before the board knows that it is locked.
        machine.write(b"\x03\x03print('it', 'ran')\r")
        machine.boot(prompt=False)
        machine.until(b"main runs\r\n")
        assert machine.call("hello", 1)["safe"] == 0
        unlock(machine)
        machine.write(b"6 * 7\r")
        assert "it ran" not in machine.until(b"42\r\n")


def test_text_from_before_the_lock_is_not_run_after_it(opened: Machine) -> None:
    opened.request("exec", "print('it', 'runs')\nwhile True: pass")
    opened.until(b"it runs\r\n")
    opened.write(b"print('it', 'ran')\r")  # for the prompt that comes next
    assert opened.call("ping", 1) == 1
    lock(opened)
    opened.until(b"main runs\r\n")
    unlock(opened)
    opened.write(b"6 * 7\r")
    assert "it ran" not in opened.until(b"42\r\n")


def test_unlocking_while_main_runs_lets_a_break_end_it(locked: Machine) -> None:
    put_sealed(locked, "main.py", b"print('up')\nwhile True: pass", counter=2)
    locked.call("reset")
    locked.boot(prompt=False)
    locked.until(b"up\r\n")
    locked.write(b"\x03")
    assert locked.call("ping", 1) == 1
    unlock(locked)
    locked.write(b"\x03")
    assert "KeyboardInterrupt" in locked.until()
    assert locked.prompt("import os; len(os.listdir('/'))") == "5\n"


def test_an_order_is_for_this_board_and_this_time(locked: Machine) -> None:
    told = locked.call("challenge")
    good = order(told["board"], told["nonce"])
    for bad in (
        order(told["board"], told["nonce"], key=STRANGER),
        order(bytes(16), told["nonce"]),
        order(told["board"], bytes(32)),
        good[:-1] + bytes([good[-1] ^ 1]),
    ):
        assert refusal(locked, "unlock", bad)[0] == E_TRUST
        assert refusal(locked, "eval", "1")[0] == E_LOCKED
    locked.call("unlock", good)
    assert locked.call("eval", "1") == 1
    assert refusal(locked, "unlock", good)[0] == E_TRUST
    locked.call("reset")
    locked.boot(prompt=False)
    locked.call("challenge")
    assert refusal(locked, "unlock", good)[0] == E_TRUST
    assert refusal(locked, "eval", "1")[0] == E_LOCKED


def test_a_board_that_warns_runs_everything(opened: Machine) -> None:
    lock(opened, WARN)
    assert "4" in opened.call("hello", 1)["troubles"][-1]
    assert opened.call("eval", "__import__('loose').VALUE") == "of a script without a seal"
    with pytest.raises(RefusedError) as refused:
        begin(opened, "a.bin", DATA, b"1", seal("a.bin", b"1", DATA, key=STRANGER))
    assert refused.value.args[0] == E_SEAL


# ---- Counted -------------------------------------------------------------------------------------


def test_the_floor_rises_and_nothing_below_it_is_taken(locked: Machine) -> None:
    unlock(locked)
    lock(locked, COUNTED)
    for name, (kind, data) in SEALED.items():
        put_sealed(locked, name, data, kind, counter=2)
    put_sealed(locked, "old", adds(7), BLOB, counter=1)
    locked.call("reset")
    locked.boot(prompt=False)
    locked.until(b"main runs\r\n")
    put_sealed(locked, "old", adds(7), BLOB, counter=2)
    locked.call("confirm", ACTIVE)
    assert locked.call("trust")["floor"] == 2
    assert refusal(locked, "rollback", ACTIVE)[0] == E_COUNTER
    assert refusal(locked, "rollback", "old")[0] == E_COUNTER
    with pytest.raises(RefusedError) as refused:
        begin(locked, ACTIVE, BLOB, adds(1), seal(ACTIVE, adds(1), BLOB, counter=1))
    assert refused.value.args[0] == E_COUNTER
    locked.call("activate", "old")
    unlock(locked)
    locked.call("rm", "old")
    locked.call("activate", ACTIVE)


# ---- A flash chip that somebody writes while the board is off ------------------------------------


def test_damaged_scripts_models_and_data_are_not_used(
    locked: Machine, images: Images, tmp_path: Path
) -> None:
    locked.kill()
    for data in (SEALED["lib.py"][1], SEALED["sealed.bin"][1], SEALED["boot.py"][1]):
        flip(tmp_path / "flash", data, 3)
    with images.start(images.locked, tmp_path / "flash") as again:
        for source in ("__import__('lib')", "xipnet.store.read('sealed.bin')"):
            assert "object is damaged" in tell(again, source)


@pytest.mark.parametrize("name", ["main.py", ACTIVE])
def test_a_seal_is_checked_again_at_each_start(images: Images, tmp_path: Path, name: str) -> None:
    flash = tmp_path / "flash"
    shutil.copyfile(images.locked, flash)
    kind, data, counter = (BLOB, adds(2), 2) if name == ACTIVE else (*SEALED[name], 1)
    sealed = seal(name, data, kind, counter=counter)
    flip(flash, sealed, len(sealed) - 1)
    with Machine(BOARD, flash) as machine:
        machine.boot(prompt=False)
        if name == ACTIVE:
            machine.until(b"main runs\r\n")
            assert refusal(machine, "run", 0, [b"\x05"])[0] == E_SEAL
            assert name in machine.call("hello", 1)["troubles"][0]
        else:
            machine.until(b"seal is missing, or is not one for this object on this board: main.py")
            assert machine.call("rpc_list") == []
        assert refusal(machine, "eval", "1")[0] == E_LOCKED


# ---- The other virtual boards --------------------------------------------------------------------


@pytest.mark.few(1)
@pytest.mark.parametrize("name", OTHERS)
def test_other_boards_are_locked_likewise(tmp_path: Path, name: str) -> None:
    images = Images(name, tmp_path)
    with images.start(images.locked, tmp_path / "flash") as machine:
        for method in ("exec", "eval", "interrupt", "reset(true)"):
            answer = refusal(machine, method.partition("(")[0], *REFUSED[method])
            assert answer == (E_LOCKED, f"board is locked: {method}")
        assert machine.call("run", 0, [b"\x05"])["result"] == b"\x07"
        machine.text = b""
        for typed in TYPED:
            machine.write(typed)
            assert machine.call("ping", 1) == 1
        assert machine.text == b""
        assert tell(machine, "input()") == "EOFError()"
        assert tell(machine, "__import__('loose')").startswith("OSError(5, 'seal is missing")
        assert tell(machine, "os.listdir('/')") == "['store']"
        put_sealed(machine, "main.py", b"print('mended')", counter=2)
        unlock(machine)
        machine.until()
        assert machine.prompt("6 * 7") == "42\n"
        machine.call("reset")
        machine.until(b"mended\r\n")
        assert refusal(machine, "eval", "1")[0] == E_LOCKED
