"""Policies, orders, attestations: of a board that keeps the rules, and others."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from host_sdk import (
    AttestationError,
    Device,
    InputError,
    KeyFileSigner,
    LockedError,
    PolicyError,
    ProtocolError,
    XipnetError,
)
from host_sdk.cli import main
from host_sdk.errors import MethodError
from host_sdk.link.baud import negotiate
from host_sdk.link.board_info import StoredObject
from host_sdk.transports import MemoryTransport
from host_sdk.trust.attestation import _REPORT, board_id, objects_sha256, read_report
from host_sdk.trust.keys import key_id, new_key, read_public_key
from host_sdk.trust.orders import Challenge, order
from tests.conftest import ROOT
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.test_hostile_board import mutated
from tests.unit.host_sdk.test_hostile_texts import EVIL, assert_harmless
from tests.unit.host_sdk.trust.played_board import PlayedBoard

Lockable = tuple[PlayedBoard, Device]
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
    played, device = lockable
    second = new_key(tmp_path / "second", None)
    before = device.trust()
    assert (before.state, before.product, before.keys, before.board) == ("open", "", (), None)
    after = device.lock("counted", "gate", [f"{key}.pub", second], reads=True)
    assert after == device.trust()
    assert (after.state, after.product, after.reads) == ("counted", "gate", True)
    assert after.keys == (read_public_key(key), second)
    assert after.is_locked
    assert device.info().trust == "counted"
    assert (played.state, played.keys) == (3, [read_public_key(key), second])


def test_a_board_without_random_numbers_gets_a_key_of_its_own_once(
    lockable: Lockable, key: Path
) -> None:
    played, device = lockable
    device.lock("warn", "gate", [f"{key}.pub"])
    assert "device_seed" not in played.asked
    after = device.lock("locked", "gate", [f"{key}.pub"])
    assert played.seed is not None
    assert len(set(played.seed)) > 8
    assert (after.device, after.source) == (played.device, "host")
    assert after.board == hashlib.sha256(played.device or b"").digest()[:16]
    played.unlocked = True
    device.lock("counted", "gate", [f"{key}.pub"])
    assert played.asked.count("device_seed") == 1


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
    played, device = lockable
    with pytest.raises(InputError, match=message):
        device.lock(state, product, keys)
    assert played.asked == []


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
    played, device = lockable
    device.put("a", b"a")
    device.lock("locked", "gate", [f"{key}.pub"])
    with pytest.raises(LockedError):
        device.rm("a")
    with pytest.raises(LockedError):
        device.lock("open")
    new_key(tmp_path / "other", None)
    with pytest.raises(PolicyError, match="not for this board"):
        device.unlock(KeyFileSigner(tmp_path / "other"))
    device.unlock(KeyFileSigner(key))
    assert device.info().unlocked
    device.rm("a")
    device.lock("open")
    assert not played.state


def test_an_order_is_as_the_page_says(key: Path) -> None:
    board, nonce = bytes(range(16)), bytes(range(32))
    signer = KeyFileSigner(key)
    written = order(1, Challenge(board, nonce), signer)
    head = b"XPORDR1\0" + b"\1\0\0\0" + key_id(signer.public_key)
    assert written[:128] == head + board + nonce + bytes(64)
    assert written[128:] == signer.sign(written[:128])


def test_nothing_is_signed_for_another_board(lockable: Lockable, key: Path) -> None:
    played, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    signer = KeyFileSigner(key)
    with pytest.raises(InputError, match=r"is for the board 00.*: nothing was signed"):
        device.unlock(signer, board=bytes(16))
    assert "unlock" not in played.asked
    device.unlock(signer, board=device.trust().board)


def test_a_locked_board_still_says_which_model_is_active(lockable: Lockable, key: Path) -> None:
    played, device = lockable
    device.load_model(make_blob(), confirm="manual")
    device.lock("locked", "gate", [f"{key}.pub"])
    device.confirm()
    assert device.history()
    asked = [r.params for r in played.board.requests if r.method == "confirm"]
    assert asked == [("adds",)]


# ---- Attestation ---------------------------------------------------------------------------------


def test_an_attestation_is_checked_and_read(lockable: Lockable, key: Path) -> None:
    played, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    device.put("a.txt", b"a", seal=KeyFileSigner(key, product="gate", counter=4))
    device.ls()
    nonce = bytes(range(32))
    report = device.attest(nonce, played.device)
    assert (report.nonce, report.device, report.was_known) == (nonce, played.device, True)
    assert (report.state, report.product, report.version) == ("locked", "gate", "1.2.3")
    assert (report.objects, report.is_listed_right, report.resets) == (1, True, 7)
    assert [o.counter for o in report.listed] == [4]
    assert (report.active_sha256, report.key_ids) == (None, (key_id(read_public_key(key)),))
    assert report.board == board_id(report.device)
    assert (report.is_firmware(b"image"), report.is_firmware(b"other")) == (True, False)
    unknown = device.attest()
    assert (unknown.device, unknown.was_known) == (played.device, False)
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
    played, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    played.report = change
    with pytest.raises(AttestationError, match=message):
        device.attest(b"n" * 32)


def test_reports_signed_by_another_are_refused(lockable: Lockable, key: Path) -> None:
    played, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    with pytest.raises(AttestationError, match="must be signed by the device key 0000"):
        device.attest(device_key=bytes(32))
    known = played.device
    played.seed = bytes(32)
    with pytest.raises(AttestationError, match="it is another board, or one that was given"):
        device.attest(device_key=known)
    played.board.alter["trust"] = lambda trust: trust
    played.report = {9: 0xFFFFFFFF, 5: 9, 14: 0xFFFFFFFF, 4: b"\x1b[2J\xff" * 3}
    report = device.attest()
    assert (report.floor, report.state, report.is_listed_right) == (0xFFFFFFFF, "state 9", True)
    assert_harmless(report.version)
    played.report = {11: 5}
    assert not device.attest().is_listed_right
    played.report = {12: bytes(32)}
    assert not device.attest().is_listed_right


# ---- Replies of anybody --------------------------------------------------------------------------


def test_whatever_a_board_answers_ends_by_a_result_or_an_error(
    lockable: Lockable, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played, device = lockable
    device.lock("locked", "gate", [f"{key}.pub"])
    signer = KeyFileSigner(key)
    operations: dict[str, Callable[[], object]] = {
        "trust": lambda: repr(device.trust()),
        "challenge": lambda: device.unlock(signer),
        "attest": lambda: repr(device.attest()),
    }
    for method, operation in operations.items():
        right = getattr(played, f"_{method}")
        for i in range(150):
            rng = random.Random(f"{method} {i}")

            def wrong(*params: Any, right: Any = right, rng: random.Random = rng) -> Any:
                return mutated(right(*params), rng)

            with monkeypatch.context() as m:
                m.setattr(played, f"_{method}", wrong)
                try:
                    shown = str(operation())
                except XipnetError as error:
                    shown = str(error)
            assert_harmless(shown)


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
)
def test_fields_of_a_policy_are_checked(
    lockable: Lockable, monkeypatch: pytest.MonkeyPatch, key: str, value: Any, message: str
) -> None:
    played, device = lockable
    right = played._trust()
    monkeypatch.setattr(played, "_trust", lambda: {**right, key: value})
    with pytest.raises(ProtocolError, match=message):
        device.trust()


def test_texts_of_a_policy_steer_nothing(
    lockable: Lockable, xipnet: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    played, device = lockable
    device.put("a", b"a")
    right = played._trust()
    changed = {"product": EVIL, "source": EVIL, "device": bytes(32), "board": bytes(16)}
    monkeypatch.setattr(played, "_trust", lambda: {**right, **changed})
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
    played, device = lockable
    device.put("a.txt", b"a")
    options = ("lock", "--state", "locked", "--product", "gate", "--key", f"{key}.pub")
    asked = xipnet(*options, typed="n\n")
    assert asked.exit_code == 1
    assert played.asked == ["trust"]
    for words in ("exec, eval", "infer, detect", "a.txt: not given or run", "one key"):
        assert words in asked.output
    done = xipnet(*options, typed="y\n")
    assert done.exit_code == 0, done.output
    assert "made of 32 bytes of this computer's" in done.output.replace("\n", " ")
    assert (played.state, played.reads) == (2, False)
    again = xipnet(*options, "--yes")
    assert "`xipnet unlock` it first" in again.output
    played.unlocked = True
    reads = xipnet(*options, "--key2", "1" * 64, "--reads", "--yes")
    assert reads.exit_code == 0, reads.output
    assert "infer, detect" not in reads.output
    assert "one key" not in reads.output
    assert "this computer's" not in reads.output
    assert (len(played.keys), played.reads) == (2, True)
    opened = xipnet("lock", "--state", "open", "--yes")
    assert opened.exit_code == 0, opened.output
    assert played.state == 0


def test_a_locked_board_has_no_prompt(lockable: Lockable, xipnet: Run) -> None:
    played, device = lockable
    for state, words in ((2, "a locked board has no prompt"), (1, "needs a terminal")):
        played.state = state
        device.info()
        assert words in xipnet("repl").output


def test_unlock_signs_for_one_board(lockable: Lockable, xipnet: Run, key: Path) -> None:
    played, device = lockable
    board = device.lock("locked", "gate", [f"{key}.pub"]).board
    assert board is not None
    other = xipnet("unlock", "--key", key, "--board", "00" * 16)
    assert "nothing was signed" in other.output.replace("\n", " ")
    assert "must be 32 hexadecimal digits" in xipnet("unlock", "--key", key, "--board", "x").output
    done = xipnet("unlock", "--key", key, "--board", board.hex())
    assert done.exit_code == 0, done.output
    assert played.unlocked


def test_attest_shows_and_verifies(
    lockable: Lockable, xipnet: Run, key: Path, tmp_path: Path
) -> None:
    played, device = lockable
    device.put("a.txt", b"a")
    device.lock("locked", "gate", [f"{key}.pub"])
    (tmp_path / "fw.bin").write_bytes(b"image")
    (tmp_path / "other.bin").write_bytes(b"other")
    unknown = xipnet("attest")
    assert unknown.exit_code == 0, unknown.output
    assert "NOT known before" in unknown.output
    assert "who signs must be known from before" in xipnet("attest", "--verify").output
    assert played.device is not None
    known = ("attest", "--verify", "--device-key", played.device.hex())
    good = xipnet(*known, "--firmware", tmp_path / "fw.bin")
    assert good.exit_code == 0, good.output
    for words in ("the file's", "1, as `ls` lists them", "locked", "1.2.3"):
        assert words in good.output
    bad = xipnet(*known, "--firmware", tmp_path / "other.bin")
    assert (bad.exit_code, "NOT the file's" in bad.output) == (1, True)
    played.report = {11: 2}
    assert xipnet("attest").exit_code == 0
    lied = xipnet(*known)
    assert (lied.exit_code, "NOT what `ls` lists" in lied.output) == (1, True)
    told = json.loads(xipnet("attest", "--json").output)
    assert (told["state"], told["was_known"], told["is_firmware"]) == ("locked", False, None)
    assert len(told["report"]) == 448
    wrong = xipnet("attest", "--device-key", "00" * 32)
    assert (wrong.exit_code, "must be signed by" in wrong.output) == (1, True)


def test_trust_of_the_open_build(connect: Connect, xipnet: Run, lockable: Lockable) -> None:
    lockable[0].board.alter.clear()
    lockable[1].info()
    assert "unsigned accepted" in xipnet("trust").output
    assert json.loads(xipnet("trust", "--json").output) == {"state": None}


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


def test_a_locked_board_keeps_the_lines_speed(lockable: Lockable) -> None:
    played, device = lockable
    played.state = 2
    line = Line.pair()[0]
    assert isinstance(line, Line)
    assert negotiate(device.session, line, "max") == 115200
    with pytest.raises(LockedError):
        negotiate(device.session, line, 230400)
