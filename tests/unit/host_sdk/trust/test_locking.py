"""Policies, orders, attestations: of a board that keeps the rules, and others."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from host_sdk import (
    AttestationError,
    CounterError,
    Device,
    InputError,
    KeyFileSigner,
    LockedError,
    PolicyError,
    ProtocolError,
    XipnetError,
)
from host_sdk.cli import main
from host_sdk.cli.trusting import STATES
from host_sdk.errors import MethodError
from host_sdk.link.baud import negotiate
from host_sdk.link.board_info import TRUST_STATES, StoredObject
from host_sdk.transports import MemoryTransport
from host_sdk.trust.attestation import _REPORT, board_id, objects_sha256, read_report
from host_sdk.trust.keys import key_id, new_key, read_public_key
from host_sdk.trust.orders import Challenge, order
from tests.conftest import ROOT
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.scripted_board import ScriptedBoard
from tests.unit.host_sdk.test_hostile_board import mutated
from tests.unit.host_sdk.test_hostile_texts import EVIL, assert_harmless
from tests.unit.host_sdk.trust.lockable import asked_for, lie, without_source

Lockable = tuple[ScriptedBoard, Device]
Run = Callable[..., Result]


@pytest.fixture
def xipnet(lockable: Lockable, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run commands on the lockable board."""

    @contextmanager
    def opened(*_: object) -> Iterator[Device]:
        yield lockable[1]

    monkeypatch.setattr("host_sdk.cli.common.open_board", opened)

    def run(*arguments: str | Path, typed: str = "") -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], input=typed)

    return run


# ---- Policies ------------------------------------------------------------------------------------


def test_a_policy_is_written_and_read(lockable: Lockable, key: Path, tmp_path: Path) -> None:
    _, device = lockable
    second = new_key(tmp_path / "second", None)
    before = device.trust()
    assert (before.state, before.product, before.keys) == ("open", "", ())
    after = device.lock("counted", "gate", [f"{key}.pub", second], reads=True)
    assert after == device.trust()
    assert (after.state, after.product, after.reads) == ("counted", "gate", True)
    assert after.keys == (read_public_key(key), second)
    assert after.is_locked
    assert device.info().trust == "counted"


def test_a_board_without_random_numbers_gets_a_key_of_its_own_once(
    lockable: Lockable, key: Path
) -> None:
    board, device = lockable
    seeds = without_source(board)
    device.lock("warn", "gate", [f"{key}.pub"])
    assert seeds == []
    after = device.lock("locked", "gate", [f"{key}.pub"])
    assert after.source == "host"
    (seed,) = seeds
    assert len(set(seed)) > 8
    device.unlock(KeyFileSigner(key))
    device.lock("counted", "gate", [f"{key}.pub"])
    assert seeds == [seed]


def test_a_board_with_random_numbers_makes_its_own_key(lockable: Lockable, key: Path) -> None:
    board, device = lockable
    before = device.trust()
    after = device.lock("locked", "gate", [f"{key}.pub"])
    assert "device_seed" not in asked_for(board)
    assert (after.device, after.source) == (before.device, "getentropy")
    assert after.board == hashlib.sha256(after.device or b"").digest()[:16]


@pytest.mark.parametrize(
    ("state", "product", "keys", "message"),
    [
        ("shut", "gate", ["0" * 64], "state must be one of open, warn, locked, counted"),
        ("warn", "", ["0" * 64], "product must be 1 to 15"),
        ("warn", "g" * 16, ["0" * 64], "product must be 1 to 15"),
        ("warn", "gate", [], "keys must be 1 or 2, not the same; are 0"),
        ("locked", "gate", ["1" * 64] * 2, "not the same; are 2"),
        ("locked", "gate", ["1" * 64, "2" * 64, "3" * 64], "are 3"),
        ("locked", "gate", ["development"], "takes no development key"),
        ("counted", "gate", ["0" * 64, "development"], "takes no development key"),
        ("open", "", ["0" * 64], "an open board has no keys"),
    ],
)
def test_what_is_no_policy_is_not_sent(
    lockable: Lockable, state: str, product: str, keys: list[str], message: str
) -> None:
    board, device = lockable
    with pytest.raises(InputError, match=message):
        device.lock(state, product, keys)
    assert asked_for(board) == []


def test_the_open_build_cannot_be_locked(connect: Connect, key: Path) -> None:
    _, device = connect()
    calls: list[Callable[[], object]] = [
        device.trust,
        device.attest,
        lambda: device.lock("warn", "gate", [f"{key}.pub"]),
        lambda: device.unlock(KeyFileSigner(key)),
    ]
    for call in calls:
        with pytest.raises(MethodError, match="is of the open build: it takes unsigned objects"):
            call()
    assert (device.info().trust, device.info().unlocked) == (None, False)


# ---- Orders --------------------------------------------------------------------------------------


def test_an_order_unlocks(lockable: Lockable, key: Path, tmp_path: Path) -> None:
    _, device = lockable
    device.put("a", b"a")
    device.lock("locked", "gate", [f"{key}.pub"])
    with pytest.raises(LockedError):
        device.rm("a")
    with pytest.raises(LockedError):
        device.lock("open")
    new_key(tmp_path / "other", None)
    with pytest.raises(PolicyError, match="key is not of this board's policy"):
        device.unlock(KeyFileSigner(tmp_path / "other"))
    device.unlock(KeyFileSigner(key))
    assert device.info().unlocked
    device.rm("a")
    assert device.lock("open").state == "open"


def test_an_order_is_as_the_page_says(key: Path) -> None:
    board, nonce = bytes(range(16)), bytes(range(32))
    signer = KeyFileSigner(key)
    written = order(1, Challenge(board, nonce), signer)
    head = b"XPORDR1\0" + b"\1\0\0\0" + key_id(signer.public_key)
    assert written[:128] == head + board + nonce + bytes(64)
    assert written[128:] == signer.sign(written[:128])


def test_nothing_is_signed_for_another_board(lockable: Lockable, key: Path) -> None:
    board, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    signer = KeyFileSigner(key)
    with pytest.raises(InputError, match=r"is for the board 00.*: nothing was signed"):
        device.unlock(signer, board=bytes(16))
    assert "unlock" not in asked_for(board)
    device.unlock(signer, board=device.trust().board)


def test_a_locked_board_still_says_which_model_is_active(lockable: Lockable, key: Path) -> None:
    _, device = lockable
    signer = KeyFileSigner(key, product="gate", counter=3)
    device.load_model(make_blob(), confirm="manual", seal=signer)
    device.lock("counted", "gate", [f"{key}.pub"])
    with pytest.raises(LockedError):
        device.model()
    device.confirm()
    assert [e.event for e in device.history()][-1] == "confirmed"
    assert device.trust().floor == 3


def test_confirm_raises_the_floor_for_all(lockable: Lockable, key: Path) -> None:
    _, device = lockable
    older, newer = (KeyFileSigner(key, product="gate", counter=c) for c in (1, 2))
    device.put("main.py", b"print(1)", seal=older)
    device.lock("counted", "gate", [f"{key}.pub"])
    device.load_model(make_blob(), seal=newer)
    with pytest.raises(CounterError, match=r"main\.py"):
        device.confirm("adds")
    assert device.trust().floor == 0
    device.put("main.py", b"print(1)", seal=newer)
    device.confirm("adds")
    assert device.trust().floor == 2
    with pytest.raises(CounterError):
        device.put("main.py", b"print(1)", seal=older)
    with pytest.raises(CounterError):
        device.load_model(make_blob(fill=b"v"), seal=older)


# ---- Attestation ---------------------------------------------------------------------------------


def test_an_attestation_is_checked_and_read(lockable: Lockable, key: Path) -> None:
    _, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    device.put("a.txt", b"a", seal=KeyFileSigner(key, product="gate", counter=4))
    nonce = bytes(range(32))
    own = device.trust().device
    report = device.attest(nonce, own)
    assert (report.nonce, report.device, report.was_known) == (nonce, own, True)
    assert (report.state, report.product) == ("locked", "gate")
    assert report.version == device.info().firmware
    assert (report.objects, report.is_listed_right, report.resets) == (1, True, 0)
    assert [o.counter for o in report.listed] == [4]
    assert (report.active_sha256, report.key_ids) == (None, (key_id(read_public_key(key)),))
    assert report.board == board_id(report.device)
    unknown = device.attest()
    assert (unknown.device, unknown.was_known) == (own, False)
    assert unknown.nonce != device.attest().nonce
    with pytest.raises(InputError, match="nonce must have 32 bytes; has 3"):
        device.attest(b"123")
    with pytest.raises(InputError, match="device_key must have 32 bytes"):
        device.attest(None, b"")


def test_reports_are_as_the_page_says() -> None:
    """Each field of the page's table gives what stands there in a report."""
    page = (ROOT / "docs/SPEC-trust.md").read_text().partition("## 7.")[2].partition("## 8.")[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in page.splitlines()]
    fields = [(int(r[1]), int(r[2]), r[3]) for r in rows if len(r) > 4 and r[1].isdecimal()]
    assert sum(size for _, size, _ in fields) == _REPORT.size == 224
    data = bytes(i * 7 % 251 + 1 for i in range(224))
    seen = {name: data[at : at + size] for at, size, name in fields}
    read = read_report(data, bytes(64), bytes(32), False, ())
    assert read.nonce == seen["nonce"]
    assert (read.board, read.firmware_sha256) == (seen["board"], seen["firmware"])
    numbers = {name: int.from_bytes(value, "little") for name, value in seen.items()}
    assert (read.floor, read.resets) == (numbers["floor"], numbers["resets"])
    assert (read.objects, read.sequence) == (numbers["objects"], numbers["sequence"])
    assert (read.active_counter, read.state) == (
        numbers["active counter"],
        f"state {numbers['state']}",
    )
    assert (read.objects_sha256, read.active_sha256) == (seen["objects digest"], seen["active"])
    assert b"".join(read.key_ids) == seen["key ids"]
    assert read.reads == bool(numbers["policy flags"] & 1)
    assert (read.unlocked, read.safe) == (True, f"reason {numbers['safe']}")


def test_rows_of_objects_are_as_the_page_says() -> None:
    stored = StoredObject("m", "blob", 9, bytes(range(32)), 3, True, None, True, 5)
    row = b"\1\3\0\0" + b"\5\0\0\0\3\0\0\0" + b"m" + bytes(39) + bytes(range(32))
    assert len(row) == 84
    assert objects_sha256([stored, stored]) == hashlib.sha256(row * 2).digest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: b"XPORDR1\0"}, "the report must start with"),
        ({1: bytes(32)}, "must be for this nonce"),
        ({2: bytes(16)}, "the board's id must be"),
    ],
)
def test_reports_of_something_else_are_refused(
    lockable: Lockable, key: Path, change: dict[int, Any], message: str
) -> None:
    board, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    lie(board, change)
    with pytest.raises(AttestationError, match=message):
        device.attest(b"n" * 32)


def test_reports_signed_by_another_are_refused(lockable: Lockable, key: Path) -> None:
    board, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    with pytest.raises(AttestationError, match="must be signed by the device key 0000"):
        device.attest(device_key=bytes(32))
    known = device.trust().device
    other = lie(board, {})
    assert device.attest(device_key=other).was_known
    with pytest.raises(AttestationError, match="it is another board, or one that was given"):
        device.attest(device_key=known)
    del board.alter["trust"]
    with pytest.raises(AttestationError, match="it is another board, or one that was given"):
        device.attest()


def test_what_a_liar_signs_is_read_and_compared(lockable: Lockable, key: Path) -> None:
    board, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    lie(board, {9: 0xFFFFFFFF, 5: 9, 14: 0xFFFFFFFF, 4: b"\x1b[2J\xff" * 3})
    report = device.attest()
    assert (report.floor, report.state, report.is_listed_right) == (0xFFFFFFFF, "state 9", True)
    assert_harmless(report.version)
    for changes in ({11: 5}, {12: bytes(32)}):
        lie(board, changes)
        assert not device.attest().is_listed_right


# ---- Replies of anybody --------------------------------------------------------------------------


def test_whatever_a_board_answers_ends_by_a_result_or_an_error(
    lockable: Lockable, key: Path
) -> None:
    board, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    signer = KeyFileSigner(key)
    operations: dict[str, Callable[[], object]] = {
        "trust": lambda: repr(device.trust()),
        "challenge": lambda: device.unlock(signer),
        "attest": lambda: repr(device.attest()),
    }
    for method, operation in operations.items():
        for i in range(60):
            board.alter[method] = partial(mutated, rng=random.Random(f"{method} {i}"))
            try:
                shown = str(operation())
            except XipnetError as error:
                shown = str(error)
            assert_harmless(shown)
        del board.alter[method]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("state", -1, "'state' must be in"),
        ("keys", [bytes(32)] * 3, "'keys' must be a list of at most 2 bin of 32 bytes"),
        ("keys", [bytes(31)], "'keys' must be a list of at most 2 bin of 32 bytes"),
        ("keys", "no", "'keys' must be a list"),
        ("floor", 1 << 32, "'floor' must be in"),
        ("board", bytes(15), "'board' must be bin of 16 bytes"),
        ("device", bytes(33), "'device' must be bin of 32 bytes"),
        ("unlocked", 1, "'unlocked' must be a bool"),
    ],
    ids=["state", "three keys", "short key", "no keys", "floor", "board", "device", "unlocked"],
)
def test_fields_of_a_policy_are_checked(
    lockable: Lockable, key: str, value: Any, message: str
) -> None:
    board, device = lockable
    board.alter["trust"] = lambda right: {**right, key: value}
    with pytest.raises(ProtocolError, match=message):
        device.trust()


@pytest.mark.parametrize(
    ("method", "field", "value", "message"),
    [
        ("hello", "trust", -1, "hello: 'trust' must be in"),
        ("hello", "trust", "locked", "hello: 'trust' must be an integer"),
        ("hello", "unlocked", 1, "hello: 'unlocked' must be a bool"),
        ("ls", "sealed", 1, "'sealed' must be a bool"),
        ("ls", "counter", 1 << 32, "'counter' must be in"),
        ("ls", "counter", None, ""),
    ],
)
def test_fields_about_trust_are_checked(
    lockable: Lockable, method: str, field: str, value: Any, message: str
) -> None:
    board, device = lockable
    device.put("a", b"a")

    def changed(reply: Any) -> Any:
        return {**reply, field: value} if method == "hello" else [r | {field: value} for r in reply]

    board.alter[method] = changed
    if message:
        with pytest.raises(ProtocolError, match=message):
            device.info() if method == "hello" else device.ls()
    else:
        assert device.ls()[0].counter == 0


def test_a_state_that_is_not_known_is_locked(lockable: Lockable) -> None:
    board, device = lockable
    board.alter["hello"] = lambda hello: {**hello, "trust": 7}
    assert (device.info().trust, device.info().is_locked) == ("state 7", True)


def test_texts_of_a_policy_steer_nothing(lockable: Lockable, xipnet: Run) -> None:
    board, device = lockable
    device.put("a", b"a")
    changed = {"product": EVIL, "source": EVIL, "device": bytes(32), "board": bytes(16)}
    board.alter["trust"] = lambda right: {**right, **changed}
    assert_harmless(device.trust().product)
    for command in (["trust"], ["trust", "--json"]):
        shown = xipnet(*command)
        assert shown.exit_code == 0, shown.output
        assert_harmless(shown.output)


# ---- The commands --------------------------------------------------------------------------------


def test_trust_shows_the_policy_and_what_is_unsealed(
    lockable: Lockable, xipnet: Run, key: Path
) -> None:
    _, device = lockable
    device.put("a.txt", b"a")
    device.lock("warn", "gate", [f"{key}.pub", "development"])
    shown = xipnet("trust").output
    public = read_public_key(key)
    for words in ("warn", "gate", public.hex(), key_id(public).hex(), "everybody has it", "a.txt"):
        assert words in shown
    told = json.loads(xipnet("trust", "--json").output)
    assert (told["state"], told["unsealed_objects"]) == ("warn", ["a.txt"])
    assert told["keys"][0] == public.hex()


def test_lock_says_what_will_be_refused_and_asks(
    lockable: Lockable, xipnet: Run, key: Path
) -> None:
    board, device = lockable
    device.put("a.txt", b"a")
    seeds = without_source(board)
    options = ("lock", "--state", "locked", "--product", "gate", "--key", f"{key}.pub")
    asked = xipnet(*options, typed="n\n")
    assert asked.exit_code == 1
    assert (asked_for(board), seeds) == (["trust"], [])
    for words in ("exec, eval", "infer, detect", "a.txt: not given or run", "one key"):
        assert words in asked.output
    done = xipnet(*options, typed="y\n")
    assert done.exit_code == 0, done.output
    assert "made of 32 bytes of this computer's" in done.output.replace("\n", " ")
    assert (device.trust().state, device.trust().reads) == ("locked", False)
    again = xipnet(*options, "--yes")
    assert "`xipnet unlock` it first" in again.output
    device.unlock(KeyFileSigner(key))
    reads = xipnet(*options, "--key", "1" * 64, "--reads", "--yes")
    assert reads.exit_code == 0, reads.output
    assert "infer, detect" not in reads.output
    assert "one key" not in reads.output
    assert "this computer's" not in reads.output
    assert (len(device.trust().keys), device.trust().reads) == (2, True)
    opened = xipnet("lock", "--state", "open", "--yes")
    assert opened.exit_code == 0, opened.output
    assert device.trust().state == "open"


def test_a_locked_board_has_no_prompt(lockable: Lockable, xipnet: Run, key: Path) -> None:
    _, device = lockable
    states = ("warn", "needs a terminal"), ("locked", "a locked board has no prompt")
    for state, words in states:
        device.lock(state, "gate", [f"{key}.pub"])
        device.info()
        assert words in xipnet("repl").output


def test_unlock_signs_for_one_board(lockable: Lockable, xipnet: Run, key: Path) -> None:
    _, device = lockable
    board = device.lock("locked", "gate", [f"{key}.pub"]).board
    assert board is not None
    other = xipnet("unlock", "--key", key, "--board", "00" * 16)
    assert "nothing was signed" in other.output.replace("\n", " ")
    assert "must be 32 hexadecimal digits" in xipnet("unlock", "--key", key, "--board", "x").output
    done = xipnet("unlock", "--key", key, "--board", board.hex())
    assert done.exit_code == 0, done.output
    assert device.trust().unlocked


def test_attest_shows_and_verifies(
    lockable: Lockable, xipnet: Run, key: Path, tmp_path: Path
) -> None:
    board, device = lockable
    device.put("a.txt", b"a")
    device.lock("locked", "gate", [f"{key}.pub"])
    (tmp_path / "fw.bin").write_bytes(b"image")
    (tmp_path / "other.bin").write_bytes(b"other")
    unknown = xipnet("attest")
    assert unknown.exit_code == 0, unknown.output
    assert "NOT known before" in unknown.output
    assert "who signs must be known from before" in xipnet("attest", "--verify").output
    own = lie(board, {3: hashlib.sha256(b"image").digest()})
    known = ("attest", "--verify", "--device-key", own.hex())
    good = xipnet(*known, "--firmware", tmp_path / "fw.bin")
    assert good.exit_code == 0, good.output
    for words in ("the file's", "1, as `ls` lists them", "locked", device.info().firmware):
        assert words in good.output
    bad = xipnet(*known, "--firmware", tmp_path / "other.bin")
    assert (bad.exit_code, "NOT the file's" in bad.output) == (1, True)
    lie(board, {11: 2})
    assert xipnet("attest").exit_code == 0
    lied = xipnet(*known)
    assert (lied.exit_code, "NOT what `ls` lists" in lied.output) == (1, True)
    told = json.loads(xipnet("attest", "--json").output)
    assert (told["state"], told["was_known"], told["is_firmware"]) == ("locked", False, None)
    assert len(told["report"]) == 448
    wrong = xipnet("attest", "--device-key", "00" * 32)
    assert (wrong.exit_code, "must be signed by" in wrong.output) == (1, True)


def test_trust_of_the_open_build(connect: Connect, xipnet: Run, lockable: Lockable) -> None:
    lockable[0].alter["hello"] = lambda hello: {k: hello[k] for k in hello if k != "trust"}
    lockable[1].info()
    assert "unsigned accepted" in xipnet("trust").output
    assert json.loads(xipnet("trust", "--json").output) == {"state": None}


def test_the_states_of_the_command_are_those_of_the_board() -> None:
    assert STATES == TRUST_STATES


def test_results_are_values(lockable: Lockable, key: Path) -> None:
    _, device = lockable
    after = device.lock("locked", "gate", [f"{key}.pub"])
    assert asdict(after)["product"] == "gate"
    assert hash(after) == hash(device.trust())


class Line(MemoryTransport):
    """A line whose speed could be changed."""

    baud = 115200

    def set_baud(self, baud: int) -> None:
        self.baud = baud


def test_a_locked_board_keeps_the_lines_speed(lockable: Lockable, key: Path) -> None:
    _, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    line = Line.pair()[0]
    assert isinstance(line, Line)
    assert negotiate(device.session, line, "max") == 115200
    with pytest.raises(LockedError):
        negotiate(device.session, line, 230400)
