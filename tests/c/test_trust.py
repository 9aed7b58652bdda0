"""What a lockable board answers, to a peer that was written from SPEC-trust."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.c.core_build import make_blob
from tests.c.core_peer import TIMEOUT_S, Peer, RefusedError
from tests.c.sealing import (
    DEVELOPMENT,
    OWNER,
    PRODUCT,
    SECOND,
    STRANGER,
    is_signed,
    key_id,
    order,
    public,
    seal,
)

pytestmark = pytest.mark.xdist_group("core")

E_PARAMS, E_RANGE, E_SESSION, E_STORE, E_NO_MODEL = -4, -23, -25, -28, -60
E_SEAL, E_COUNTER, E_LOCKED, E_TRUST = -90, -91, -92, -93
BLOB, SCRIPT, DATA = 1, 2, 3
OPEN, WARN, LOCKED, COUNTED = range(4)
SEED = bytes(range(100, 132))
SEED_KEY = public(Ed25519PrivateKey.from_private_bytes(SEED))
KEY = public(OWNER)
CODE = b"print(1)"
INPUT = bytes(16)
# The firmware of a process (boards/host/host_port.c).
IMAGE = b"xipnet: the core as a process"


@pytest.fixture
def peer(lockable: Path, tmp_path: Path) -> Iterator[Peer]:
    with Peer(lockable / "board_host", tmp_path / "flash") as board:
        board.hello()
        yield board


@pytest.fixture
def without_key(lockable: Path, tmp_path: Path) -> Iterator[Peer]:
    """Start a board whose chip has no source of random numbers."""
    with Peer(lockable / "still_host", tmp_path / "flash") as board:
        board.hello()
        yield board


def refused(peer: Peer, method: str, *params: object) -> RefusedError:
    with pytest.raises(RefusedError) as info:
        peer.call(method, *params)
    return info.value


def put(
    peer: Peer, name: str, data: bytes, kind: int, sealed: bytes | None, activate: bool = False
) -> Any:
    """Upload an object with its seal."""
    digest = hashlib.sha256(data).digest()
    begun = peer.call("put_begin", name, kind, len(data), digest, sealed)
    if not begun["have"]:
        peer.pieces(begun["session"], data)
    return peer.call("put_end", begun["session"], activate)


def key_of(peer: Peer) -> bytes:
    """Return the board's public key."""
    device = peer.call("trust")["device"]
    assert isinstance(device, bytes)
    return device


def lock(peer: Peer, state: int = LOCKED, reads: bool = False) -> None:
    peer.call("trust_set", state, PRODUCT, [public(OWNER), public(SECOND)], reads)


def restart(peer: Peer) -> Any:
    """Restart the board; what its next `hello` says."""
    peer.notifications.clear()
    peer.call("reset")
    while not peer.notifications:
        assert peer.receive(TIMEOUT_S)
    return peer.hello(peer.last_id + 1000)


def unlock(peer: Peer) -> bytes:
    """Unlock the board; the order."""
    asked = peer.call("challenge")
    ordered = order(asked["board"], asked["nonce"])
    assert peer.call("unlock", ordered) is None
    return ordered


def sealed_model(peer: Peer, lockable: Path, name: str = "model") -> bytes:
    """Put a sealed model and make it the active one; its bytes."""
    data = make_blob(lockable).pack()
    put(peer, name, data, BLOB, seal(name, data, BLOB), activate=True)
    return data


# ---- An open board -------------------------------------------------------------------------------


def test_a_new_board_is_open_and_says_so(peer: Peer) -> None:
    told = peer.hello()
    assert (told["trust"], told["unlocked"], told["troubles"]) == (OPEN, False, [])
    assert {"trust", "trust_set", "device_seed", "challenge", "unlock", "attest"} < set(
        told["methods"]
    )
    trust = peer.call("trust")
    assert list(trust) == [
        *("state", "product", "keys", "reads", "floor", "unlocked"),
        *("board", "device", "source", "unsealed"),
    ]
    assert (trust["state"], trust["product"], trust["keys"]) == (OPEN, "", [])
    assert (trust["reads"], trust["floor"], trust["unlocked"]) == (False, 0, False)
    assert trust["unsealed"] == 0


def test_every_method_has_its_line_of_help(peer: Peer) -> None:
    for method in peer.hello()["methods"]:
        assert peer.call("help", method).startswith(f"{method}(")


def test_an_open_board_keeps_a_seal_and_does_not_look_at_it(peer: Peer) -> None:
    put(peer, "a", b"bytes", DATA, bytes(192))
    put(peer, "b", b"others", DATA, seal("b", b"others", DATA, key=STRANGER, counter=7))
    put(peer, "c", b"more", DATA, None)
    told = {o["name"]: (o["sealed"], o["counter"]) for o in peer.call("ls")}
    assert told == {"a": (True, 0), "b": (True, 7), "c": (False, 0)}
    assert {o["name"]: (o["sealed"], o["counter"]) for o in peer.call("held")} == told
    assert peer.call("trust")["unsealed"] == 3


@pytest.mark.parametrize("wrong", [b"", bytes(191), bytes(193)])
def test_a_seal_of_another_length_is_refused(peer: Peer, wrong: bytes) -> None:
    error = refused(peer, "put_begin", "a", DATA, 5, bytes(32), wrong)
    assert error.code == E_SEAL
    assert error.message.endswith(f"bytes {len(wrong)}, limit 192")


@pytest.mark.parametrize("wrong", [5, "text", [bytes(192)], True])
def test_what_is_no_seal_is_refused(peer: Peer, wrong: object) -> None:
    assert refused(peer, "put_begin", "a", DATA, 5, bytes(32), wrong).code == E_PARAMS
    assert refused(peer, "put_begin", "a", DATA, 5, bytes(32), None, 1).code == E_PARAMS


# ---- The board's own key -------------------------------------------------------------------------


def test_a_board_makes_its_key_when_it_first_starts(
    peer: Peer, lockable: Path, tmp_path: Path
) -> None:
    trust = peer.call("trust")
    assert (len(trust["device"]), trust["source"]) == (32, "getentropy")
    assert trust["board"] == _sha(trust["device"])[:16]
    restart(peer)
    peer.call("format", "erase all")
    restart(peer)
    assert peer.call("trust") == trust
    error = refused(peer, "device_seed", bytes(32))
    assert (error.code, "own already" in error.message) == (E_TRUST, True)
    with Peer(lockable / "board_host", tmp_path / "another") as another:
        another.hello()
        assert another.call("trust")["device"] != trust["device"]


def test_a_host_gives_the_seed_of_a_board_without_chance(without_key: Peer) -> None:
    peer = without_key
    trust = peer.call("trust")
    assert (trust["board"], trust["device"], trust["source"]) == (None, None, "")
    for method, params in (
        ("challenge", []),
        ("attest", [bytes(32)]),
        ("trust_set", [LOCKED, PRODUCT, [KEY]]),
    ):
        error = refused(peer, method, *params)
        assert error.code == E_TRUST
        assert error.message.endswith("the board has no key of its own")
    assert peer.call("trust_set", WARN, PRODUCT, [KEY]) is None
    for wrong in ([], [bytes(31)], [bytes(33)], ["text"], [bytes(32), 1]):
        assert refused(peer, "device_seed", *wrong).code == E_PARAMS
    assert peer.call("device_seed", SEED) is None
    for _ in range(2):
        trust = peer.call("trust")
        assert (trust["device"], trust["source"]) == (SEED_KEY, "host")
        error = refused(peer, "device_seed", bytes(32))
        assert (error.code, "own already" in error.message) == (E_TRUST, True)
        restart(peer)


def test_raw_flash_does_not_tell_the_seed(without_key: Peer, tmp_path: Path) -> None:
    without_key.call("device_seed", SEED)
    assert (tmp_path / "flash").read_bytes().count(SEED) == 2
    for piece in (4000, 50):  # records are read in one piece, and in several
        places = range(0, 8192, piece)
        told = b"".join(without_key.call("flash_read", at, piece) for at in places)
        assert not any(SEED[i : i + 8] in told for i in range(25))
        assert told.count(SEED_KEY) == 2


# ---- A policy ------------------------------------------------------------------------------------


def test_a_policy_holds_and_outlives_a_restart(peer: Peer) -> None:
    lock(peer, WARN, reads=True)
    for _ in range(2):
        trust = peer.call("trust")
        assert (trust["state"], trust["product"], trust["reads"]) == (WARN, PRODUCT, True)
        assert trust["keys"] == [public(OWNER), public(SECOND)]
        assert restart(peer)["trust"] == WARN
    assert peer.call("trust_set", OPEN, "", [public(OWNER)]) is None
    trust = peer.call("trust")
    assert (trust["state"], trust["product"], trust["keys"]) == (OPEN, "", [])


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ((4, PRODUCT, [KEY]), E_TRUST, "state 4, limit 3"),
        ((WARN, "", [KEY]), E_TRUST, "there is no product"),
        ((WARN, "x" * 16, [KEY]), E_TRUST, "bytes of the product 16, limit 15"),
        ((WARN, "lämp", [KEY]), E_TRUST, "character of the product 195"),
        ((OPEN, "a\n", []), E_TRUST, "character of the product 10"),
        ((WARN, PRODUCT, []), E_TRUST, "there is no key"),
        ((WARN, PRODUCT, None), E_TRUST, "there is no key"),
        ((WARN, PRODUCT, [bytes(32)]), E_TRUST, "all 0: key 0"),
        ((WARN, PRODUCT, [KEY, bytes(32)]), E_TRUST, "all 0: key 1"),
        ((WARN, PRODUCT, [KEY, KEY, KEY]), E_TRUST, "keys 3, limit 2"),
        ((WARN, PRODUCT, [KEY[1:]]), E_PARAMS, "bytes of a key 31, limit 32"),
        ((WARN, PRODUCT, ["text"]), E_PARAMS, "not a bin: key 0"),
        ((LOCKED, PRODUCT, [public(DEVELOPMENT)]), E_TRUST, "development key is known"),
        ((COUNTED, PRODUCT, [KEY, public(DEVELOPMENT)]), E_TRUST, "development key is known"),
        ((), E_PARAMS, "wrong or missing is number 0"),
        ((WARN, PRODUCT), E_PARAMS, "wrong or missing is number 2"),
        ((WARN, 5, [KEY]), E_PARAMS, "wrong or missing is number 2"),
        ((WARN, PRODUCT, 5), E_PARAMS, "wrong or missing is number 3"),
        ((WARN, PRODUCT, [KEY], 1), E_PARAMS, "wrong or missing is number 4"),
        ((WARN, PRODUCT, [KEY], False, 1), E_PARAMS, "given are 5, limit 4"),
        ((-1, PRODUCT, [KEY]), E_PARAMS, "wrong or missing is number 1"),
    ],
)
def test_a_wrong_policy_is_refused(
    peer: Peer, params: tuple[object, ...], code: int, words: str
) -> None:
    error = refused(peer, "trust_set", *params)
    assert (error.code, error.message.split(": ", 1)[1]) == (code, words) or words in error.message
    assert error.code == code
    assert peer.hello()["trust"] == OPEN


@pytest.mark.parametrize("name", ["boot.py", "boot.mpy", "main.py", "main.mpy"])
@pytest.mark.parametrize(
    "sealed",
    [
        None,
        {"key": STRANGER},
        {"product": "lam"},
        {"product": "lamps"},
    ],
)
def test_a_script_that_is_not_sealed_for_the_policy_prevents_it(
    peer: Peer, name: str, sealed: dict[str, Any] | None
) -> None:
    put(peer, "data", b"needs none", DATA, None)
    put(peer, name, CODE, SCRIPT, None if sealed is None else seal(name, CODE, SCRIPT, **sealed))
    error = refused(peer, "trust_set", LOCKED, PRODUCT, [KEY])
    assert (error.code, name in error.message) == (E_SEAL, True)
    assert peer.hello()["trust"] == OPEN
    assert peer.call("exec", "still") is None
    put(peer, name, CODE, SCRIPT, seal(name, CODE, SCRIPT))
    assert peer.call("trust_set", LOCKED, PRODUCT, [KEY]) is None
    assert peer.hello()["trust"] == LOCKED


def test_an_active_model_that_is_not_sealed_prevents_it(peer: Peer, lockable: Path) -> None:
    data = make_blob(lockable).pack()
    put(peer, "model", data, BLOB, None, activate=True)
    error = refused(peer, "trust_set", LOCKED, PRODUCT, [KEY])
    assert (error.code, "model" in error.message) == (E_SEAL, True)
    put(peer, "model", data, BLOB, seal("model", data, BLOB), activate=True)
    assert peer.call("trust_set", LOCKED, PRODUCT, [KEY]) is None


# ---- State 1 -------------------------------------------------------------------------------------


def test_a_board_that_warns_takes_what_has_no_seal_and_says_so(peer: Peer) -> None:
    lock(peer, WARN)
    assert peer.hello()["troubles"] == []
    put(peer, "a", b"bytes", DATA, None)
    put(peer, "b", b"others", DATA, None)
    put(peer, "c", b"more", DATA, seal("c", b"more", DATA))
    (trouble,) = peer.hello()["troubles"]
    assert trouble.endswith("objects without one: 2")
    assert peer.call("trust")["unsealed"] == 2
    wrong = seal("d", b"bytes", DATA, key=STRANGER)
    assert refused(peer, "put_begin", "d", DATA, 5, _sha(b"bytes"), wrong).code == E_SEAL
    for method, params in ANSWERED_OPEN:
        assert peer.call(method, *params) is not False


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


ANSWERED_OPEN: list[tuple[str, list[object]]] = [
    ("exec", ["text"]),
    ("events", []),
    ("interrupt", []),
    ("flash_read", [0, 16]),
    ("get", ["a", 0, 5]),
    ("rm", ["a"]),
]

# ---- Section 5: what a locked board answers ------------------------------------------------------

REFUSED: list[tuple[str, list[object]]] = [
    ("rm", ["model"]),
    ("format", ["erase all"]),
    ("baud", [230400]),
    ("exec", ["text"]),
    ("eval", ["\x01"]),
    ("interrupt", []),
    ("events", []),
    ("flash_read", [0, 16]),
    ("device_seed", [bytes(32)]),
    ("trust_set", [OPEN, "", []]),
]
READS: list[tuple[str, list[object]]] = [
    ("get", ["model", 0, 16]),
    ("model", []),
    ("out_read", [0, 16]),
    ("run_steps", [0, 0, 1]),
    ("arena_read", [0, 16]),
]
ANSWERED: list[tuple[str, list[object]]] = [
    ("help", ["ping"]),
    ("ping", [7]),
    ("trust", []),
    ("challenge", []),
    ("attest", [bytes(32)]),
    ("ls", []),
    ("trial", []),
    ("history", ["model"]),
    ("wear", []),
    ("held", []),
    ("in_write", [0, 0, INPUT]),
    ("run", [0, [INPUT]]),
    ("reset_state", []),
    ("call", ["f", [1], {}]),
    ("rpc_list", []),
    ("activate", ["model"]),
]


@pytest.mark.parametrize("state", [LOCKED, COUNTED])
def test_a_locked_board_answers_no_more_than_it_may(
    peer: Peer, lockable: Path, tmp_path: Path, state: int
) -> None:
    sealed_model(peer, lockable)
    lock(peer, state)
    for start in range(2):
        told = restart(peer) if start else peer.hello()
        assert (told["trust"], told["unlocked"]) == (state, False)
        assert told["troubles"] == []
        for method, params in ANSWERED:
            peer.call(method, *params)
        flash = (tmp_path / "flash").read_bytes()
        for method, params in [*REFUSED, *READS]:
            error = refused(peer, method, *params)
            assert (error.code, error.message) == (E_LOCKED, f"board is locked: {method}")
        error = refused(peer, "reset", True)
        assert (error.code, error.message) == (E_LOCKED, "board is locked: reset(true)")
        assert (tmp_path / "flash").read_bytes() == flash
        assert peer.hello()["boot"] == told["boot"]


def test_every_method_is_in_the_table_of_the_page(peer: Peer) -> None:
    """A new method has to be thought about: it is in exactly one row of section 5."""
    told = {
        *(method for method, _ in [*REFUSED, *READS, *ANSWERED]),
        *("hello", "reset", "unlock", "hashes", "put_copy", "put_patch"),
        *("put_begin", "put_data", "put_end", "confirm", "rollback"),
    }
    assert told == set(peer.hello()["methods"])


def test_hosts_may_read_if_the_policy_says_so(peer: Peer, lockable: Path) -> None:
    data = sealed_model(peer, lockable)
    lock(peer, LOCKED, reads=True)
    peer.call("run", 0, [INPUT])
    for method, params in READS:
        peer.call(method, *params)
    assert peer.call("get", "model", 0, 64) == data[:64]
    for method, params in REFUSED:
        assert refused(peer, method, *params).code == E_LOCKED


def test_wrong_parameters_of_what_it_does_not_do_are_not_looked_at(peer: Peer) -> None:
    lock(peer)
    assert refused(peer, "rm").code == E_LOCKED
    assert refused(peer, "trust_set", 1, 2, 3, 4, 5, 6).code == E_LOCKED
    assert refused(peer, "reset", 5).code == E_PARAMS


def test_nothing_of_an_unsealed_upload_is_written(
    peer: Peer, lockable: Path, tmp_path: Path
) -> None:
    sealed_model(peer, lockable)
    lock(peer)
    flash = (tmp_path / "flash").read_bytes()
    right = seal("new", CODE, DATA)
    for name, kind, data, sealed in (
        ("new", DATA, CODE, None),
        ("new", DATA, CODE, seal("new", CODE, DATA, key=STRANGER)),
        ("new", DATA, CODE, seal("new", CODE, DATA, product="other")),
        ("new", DATA, CODE, right[:100] + bytes([right[100] ^ 1]) + right[101:]),
        ("new", DATA, CODE, right[:-1] + bytes([right[-1] ^ 1])),
        ("old", DATA, CODE, right),
        ("new", SCRIPT, CODE, right),
        ("new", DATA, CODE[1:], right),
        ("new", DATA, CODE[::-1], right),
    ):
        error = refused(peer, "put_begin", name, kind, len(data), _sha(data), sealed)
        assert (error.code, name in error.message) == (E_SEAL, True)
        assert refused(peer, "put_data", 1, 0, CODE).code == E_SESSION
        assert (tmp_path / "flash").read_bytes() == flash


def test_an_upload_that_was_begun_before_ends_with_the_lock(peer: Peer) -> None:
    begun = peer.begin("a", CODE, DATA)
    peer.call("put_data", begun["session"], 0, CODE)
    lock(peer)
    for method, params in (("put_data", [0, CODE]), ("put_end", [])):
        assert refused(peer, method, begun["session"], *params).code == E_SESSION
    assert peer.call("ls") == []


def test_a_locked_board_takes_what_is_sealed(peer: Peer, lockable: Path) -> None:
    lock(peer)
    sealed_model(peer, lockable)
    data = make_blob(lockable, "head", golden=None).pack()
    put(peer, "second", data, BLOB, seal("second", data, BLOB, key=SECOND))
    put(peer, "main.py", CODE, SCRIPT, seal("main.py", CODE, SCRIPT, counter=9))
    told = {o["name"]: (o["sealed"], o["counter"]) for o in peer.call("ls")}
    assert told == {"model": (True, 1), "second": (True, 1), "main.py": (True, 9)}
    for _ in range(2):
        assert peer.call("run", 0, [INPUT])["size"] == 16
        assert peer.call("trust")["unsealed"] == 0
        restart(peer)
    peer.call("activate", "second")
    newer = make_blob(lockable, "add", golden=None).pack()
    put(peer, "second", newer, BLOB, seal("second", newer, BLOB))
    peer.call("rollback", "second")


def test_what_is_not_sealed_is_neither_activated_nor_returned_to(
    peer: Peer, lockable: Path
) -> None:
    first = make_blob(lockable, "head", golden=None).pack()
    other = make_blob(lockable, "add", golden=None).pack()
    put(peer, "model", first, BLOB, None)
    sealed_model(peer, lockable)
    put(peer, "other", other, BLOB, None)
    lock(peer)
    for _ in range(2):
        for method, name in (("activate", "other"), ("rollback", "model")):
            error = refused(peer, method, name)
            assert (error.code, name in error.message) == (E_SEAL, True)
        (active,) = [o for o in peer.call("ls") if o["active"]]
        assert (active["name"], active["version"], active["sealed"]) == ("model", 2, True)
        restart(peer)


def test_an_active_model_that_lost_its_seal_does_not_start(
    peer: Peer, lockable: Path, tmp_path: Path
) -> None:
    sealed_model(peer, lockable)
    lock(peer)
    peer.kill()
    flash = bytearray((tmp_path / "flash").read_bytes())
    at = flash.rindex(b"XPSEAL1\0") + 130
    flash[at] ^= 4
    (tmp_path / "flash").write_bytes(flash)
    with Peer(lockable / "board_host", tmp_path / "flash") as board:
        (trouble,) = board.hello()["troubles"]
        assert "model: wrong signature" in trouble
        assert refused(board, "run", 0, [INPUT]).code in (E_SEAL, E_NO_MODEL)
        assert board.call("trust")["unsealed"] == 1


# ---- Bytes that a host may have copied and hashed ------------------------------------------------

HIDDEN = bytes(range(256)) * 32  # 8 KB


def _hidden(peer: Peer) -> dict[tuple[str, int], int]:
    """Put objects that are removed, withdrawn, unfinished and kept; their places."""
    places: dict[tuple[str, int], int] = {}
    put(peer, "removed", HIDDEN[1:], DATA, None)
    put(peer, "name", HIDDEN[2:], DATA, None)
    put(peer, "name", HIDDEN[3:], DATA, None)
    peer.call("rollback", "name")
    put(peer, "kept", HIDDEN[4:], DATA, None)
    put(peer, "kept", HIDDEN[5:], DATA, None)
    begun = peer.begin("unfinished", HIDDEN[6:], DATA)
    peer.pieces(begun["session"], HIDDEN[6:])
    for item in peer.call("held"):
        places[item["name"], item["state"]] = item["at"]
    peer.call("rm", "removed")
    return places


def test_only_what_may_be_current_is_copied_hashed_and_named(peer: Peer) -> None:
    places = _hidden(peer)
    allowed = {("name", 0), ("kept", 0), ("kept", 1)}
    hidden = {("removed", 0), ("name", 2), ("unfinished", 3)}
    assert set(places) == allowed | hidden
    for at in places.values():
        peer.call("hashes", at, 4096, 256)
    lock(peer)
    data = HIDDEN[::-1]
    begun = peer.call("put_begin", "new", DATA, len(data), _sha(data), seal("new", data, DATA))
    session = begun["session"]
    places = {key: at for key, at in places.items() if at != begun["at"]}
    for i, (key, at) in enumerate(places.items()):
        if key in allowed:
            assert len(peer.call("hashes", at, 4096, 256)) == 16 * 8
            assert peer.call("put_copy", session, 512 * i, at, 256) is None
            assert peer.call("put_patch", session, 512 * i + 256, at, 256, b"\x0f") is None
        else:
            for method, params in (
                ("hashes", [at, 4096, 256]),
                ("put_copy", [session, 512 * i, at, 256]),
                ("put_patch", [session, 512 * i, at, 256, b"\x0f"]),
            ):
                assert refused(peer, method, *params).code == E_RANGE
    assert hidden & set(places)
    assert {(o["name"], o["state"]) for o in peer.call("held")} == {*allowed, ("new", 3)}


def test_of_its_own_place_an_upload_sees_what_it_wrote(peer: Peer) -> None:
    lock(peer)
    data = HIDDEN * 2  # four sectors
    begun = peer.call("put_begin", "new", DATA, len(data), _sha(data), seal("new", data, DATA))
    at, session = begun["at"], begun["session"]
    assert refused(peer, "hashes", at, 4096, 256).code == E_RANGE
    peer.call("put_data", session, 0, data[:256])
    assert peer.call("hashes", at, 256, 256) == _sha(data[:256])[:8]
    assert refused(peer, "hashes", at, 8192, 256).code == E_RANGE
    peer.call("put_patch", session, 4096, 0xFFFFFFFF, 256, b"\x0f")
    assert [o["state"] for o in peer.call("held")] == [3]
    peer.hello(77)  # another session: nobody's upload
    assert peer.call("held") == []
    assert refused(peer, "hashes", at, 256, 256).code == E_RANGE


# ---- Orders --------------------------------------------------------------------------------------


def test_an_order_unlocks_until_the_next_start(peer: Peer, lockable: Path) -> None:
    sealed_model(peer, lockable)
    lock(peer)
    unlock(peer)
    told = peer.hello()
    assert (told["trust"], told["unlocked"]) == (LOCKED, True)
    assert peer.call("trust")["unlocked"] is True
    put(peer, "a", b"bytes", DATA, None)
    (trouble,) = peer.hello()["troubles"]
    assert trouble.endswith("objects without one: 1")
    for method, params in ANSWERED_OPEN:
        peer.call(method, *params)
    told = restart(peer)
    assert (told["trust"], told["unlocked"]) == (LOCKED, False)
    assert refused(peer, "exec", "text").code == E_LOCKED


def test_an_unlocked_board_takes_another_policy(peer: Peer) -> None:
    lock(peer)
    unlock(peer)
    assert peer.call("trust_set", OPEN, "", []) is None
    assert restart(peer)["trust"] == OPEN
    assert peer.call("exec", "text") is None


def test_an_order_is_taken_once(peer: Peer) -> None:
    lock(peer)
    ordered = unlock(peer)
    assert refused(peer, "unlock", ordered).message.endswith("there was no challenge")
    restart(peer)
    assert refused(peer, "unlock", ordered).message.endswith("there was no challenge")
    asked = peer.call("challenge")
    error = refused(peer, "unlock", ordered)
    assert (error.code, "nonce" in error.message) == (E_TRUST, True)
    assert peer.call("unlock", order(asked["board"], asked["nonce"])) is None


def test_an_order_is_not_good_again_though_the_clock_stands_still(
    lockable: Path, tmp_path: Path
) -> None:
    """What it says at a start it says at the next, until an order was taken."""
    with Peer(lockable / "still_host", tmp_path / "flash") as board:
        board.hello()
        board.call("device_seed", SEED)
        lock(board)
        restart(board)
        first = board.call("challenge")
        assert board.call("challenge") != first
        restart(board)
        assert board.call("challenge") == first
        ordered = order(first["board"], first["nonce"])
        assert board.call("unlock", ordered) is None
        for _ in range(2):
            restart(board)
            asked = board.call("challenge")
            assert (asked["board"], asked["nonce"] != first["nonce"]) == (first["board"], True)
            assert refused(board, "unlock", ordered).code == E_TRUST
            assert refused(board, "exec", "text").code == E_LOCKED


def test_only_the_last_challenge_counts(peer: Peer) -> None:
    lock(peer)
    asked = [peer.call("challenge") for _ in range(20)]
    assert len({a["nonce"] for a in asked}) == 20
    assert {a["board"] for a in asked} == {peer.call("trust")["board"]}
    for earlier in asked[:-1]:
        assert refused(peer, "unlock", order(earlier["board"], earlier["nonce"])).code == E_TRUST
    assert peer.call("unlock", order(asked[-1]["board"], asked[-1]["nonce"])) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": STRANGER}, "key is not of this board's policy"),
        ({"key": DEVELOPMENT}, "key is not of this board's policy"),
        ({"magic": b"XPSEAL1\0"}, "these bytes are no order"),
        ({"magic": b"XPORDR2\0"}, "these bytes are no order"),
        ({"kind": 0}, "kind of the order 0, limit 1"),
        ({"kind": 2}, "kind of the order 2, limit 1"),
        ({"reserved": b"\1\0\0"}, "reserved bytes"),
        ({"reserved": b"\0\0\1"}, "reserved bytes"),
        ({"reserved2": bytes(63) + b"\1"}, "reserved bytes"),
        ({"reserved2": b"\1" + bytes(63)}, "reserved bytes"),
    ],
)
def test_a_wrong_order_is_refused(peer: Peer, change: dict[str, Any], words: str) -> None:
    lock(peer)
    asked = peer.call("challenge")
    error = refused(peer, "unlock", order(asked["board"], asked["nonce"], **change))
    assert (error.code, words in error.message) == (E_TRUST, True)
    _stays_locked(peer, asked)


def _stays_locked(peer: Peer, asked: dict[str, bytes]) -> None:
    """Check that it is locked; a wrong order does not spend the challenge."""
    assert peer.hello()["unlocked"] is False
    assert refused(peer, "exec", "text").code == E_LOCKED
    assert peer.call("unlock", order(asked["board"], asked["nonce"])) is None


def test_an_order_for_another_board_or_with_a_wrong_signature_is_refused(peer: Peer) -> None:
    lock(peer)
    asked = peer.call("challenge")
    other = order(_sha(b"another board")[:16], asked["nonce"])
    assert refused(peer, "unlock", other).message.endswith("for another board")
    right = order(asked["board"], asked["nonce"])
    for at in (128, 160, 191):
        wrong = right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]
        assert refused(peer, "unlock", wrong).message.endswith("signature is wrong")
    for wrong in (b"", right[:-1], right + b"\0"):
        assert refused(peer, "unlock", wrong).code == E_PARAMS
    assert refused(peer, "unlock").code == E_PARAMS
    assert refused(peer, "unlock", right, 1).code == E_PARAMS
    assert refused(peer, "unlock", "text").code == E_PARAMS
    _stays_locked(peer, asked)


def test_a_key_that_is_not_there_is_nobodys(peer: Peer) -> None:
    peer.call("trust_set", LOCKED, PRODUCT, [KEY])
    asked = peer.call("challenge")
    ordered = bytearray(order(asked["board"], asked["nonce"]))
    ordered[12:16] = _sha(bytes(32))[:4]
    error = refused(peer, "unlock", bytes(ordered))
    assert error.message.endswith("key is not of this board's policy")


def test_a_board_that_is_not_locked_takes_no_order(peer: Peer) -> None:
    """Else it would be found unlocked when it is locked later."""
    for state in (OPEN, WARN):
        peer.call("trust_set", state, PRODUCT, [KEY])
        asked = peer.call("challenge")
        error = refused(peer, "unlock", order(asked["board"], asked["nonce"]))
        assert (error.code, "is not locked" in error.message) == (E_TRUST, True)
    assert peer.hello()["unlocked"] is False


def test_a_revoked_key_opens_and_seals_nothing(peer: Peer, lockable: Path) -> None:
    data = sealed_model(peer, lockable)
    lock(peer)
    unlock(peer)
    error = refused(peer, "trust_set", LOCKED, PRODUCT, [public(SECOND)])
    assert (error.code, "model" in error.message) == (E_SEAL, True)
    put(peer, "model", data, BLOB, seal("model", data, BLOB, key=SECOND), activate=True)
    peer.call("trust_set", LOCKED, PRODUCT, [public(SECOND)])
    restart(peer)
    asked = peer.call("challenge")
    assert refused(peer, "unlock", order(asked["board"], asked["nonce"])).code == E_TRUST
    assert (
        refused(peer, "put_begin", "a", DATA, 8, _sha(CODE), seal("a", CODE, DATA)).code == E_SEAL
    )
    assert refused(peer, "rollback", "model").code == E_SEAL
    assert peer.call("run", 0, [INPUT])["size"] == 16
    by_second = order(asked["board"], asked["nonce"], key=SECOND)
    assert peer.call("unlock", by_second) is None


@pytest.mark.parametrize("method", ["trust", "challenge"])
def test_methods_without_parameters_take_none(peer: Peer, method: str) -> None:
    assert refused(peer, method, 1).code == E_PARAMS


# ---- A policy of the firmware --------------------------------------------------------------------


def test_a_board_whose_firmware_is_locked_never_was_open(lockable: Path, tmp_path: Path) -> None:
    with Peer(lockable / "locked_host", tmp_path / "flash") as board:
        for _ in range(2):
            assert board.hello()["trust"] == LOCKED
            trust = board.call("trust")
            assert (trust["product"], trust["keys"]) == (PRODUCT, [public(OWNER)])
            assert refused(board, "format", "erase all").code == E_LOCKED
            assert refused(board, "put_begin", "a", DATA, 5, bytes(32)).code == E_SEAL
            sealed_model(board, lockable)
            assert board.call("run", 0, [INPUT])["size"] == 16
            restart(board)


def test_no_policy_is_less_strict_than_the_firmware(lockable: Path, tmp_path: Path) -> None:
    """Nor is one of the log that another firmware wrote."""
    with Peer(lockable / "board_host", tmp_path / "flash") as board:
        board.hello()
        board.call("trust_set", WARN, "other", [public(STRANGER)])
    with Peer(lockable / "locked_host", tmp_path / "flash") as board:
        assert board.hello()["trust"] == LOCKED
        assert board.call("trust")["keys"] == [public(OWNER)]
        unlock(board)
        for state in (OPEN, WARN):
            error = refused(board, "trust_set", state, PRODUCT, [public(SECOND)])
            assert (error.code, "of the firmware" in error.message) == (E_TRUST, True)
        assert board.call("trust_set", COUNTED, "newer", [public(SECOND)]) is None
        assert restart(board)["trust"] == COUNTED
        assert board.call("trust")["keys"] == [public(SECOND)]


# ---- Attestation ---------------------------------------------------------------------------------


def _attest(peer: Peer, device: bytes) -> dict[str, Any]:
    """Ask for a report, check its signature; its fields."""
    nonce = _sha(b"nonce")
    got = peer.call("attest", nonce)
    assert is_signed(got["report"], got["signature"], device)
    changed = bytes([got["report"][0] ^ 1]) + got["report"][1:]
    assert not is_signed(changed, got["signature"], device)
    fields = struct.unpack("<8s32s16s32s16s4B3I32s32s2I16s2I8s", got["report"])
    names = [
        *("magic", "nonce", "board", "firmware", "version", "state", "unlocked", "safe"),
        *("flags", "floor", "resets", "objects", "digest", "active", "active_counter"),
        *("sequence", "product", "key0", "key1", "reserved"),
    ]
    told = dict(zip(names, fields, strict=True))
    assert (told["magic"], told["nonce"], told["reserved"]) == (b"XPATST1\0", nonce, bytes(8))
    return told


def _digest(objects: list[dict[str, Any]]) -> bytes:
    rows = [
        struct.pack(
            "<BBHII40s32s",
            o["type"],
            o["active"] | o["sealed"] << 1,
            0,
            o["counter"],
            o["version"],
            o["name"].encode(),
            o["sha256"],
        )
        for o in objects
    ]
    return _sha(b"".join(rows))


def test_a_report_tells_all_and_is_signed(peer: Peer, lockable: Path) -> None:
    device = key_of(peer)
    told = _attest(peer, device)
    assert (told["board"], told["firmware"]) == (_sha(device)[:16], _sha(IMAGE))
    assert told["version"].rstrip(b"\0").decode() == peer.hello()["firmware"]
    assert (told["state"], told["unlocked"], told["safe"], told["flags"]) == (OPEN, 0, 0, 0)
    assert (told["floor"], told["resets"], told["objects"]) == (0, 0, 0)
    assert (told["digest"], told["active"], told["active_counter"]) == (_sha(b""), bytes(32), 0)
    assert (told["product"], told["key0"], told["key1"]) == (bytes(16), 0, 0)
    model = sealed_model(peer, lockable)
    put(peer, "a", b"bytes", DATA, None)
    put(peer, "a", b"newer", DATA, seal("a", b"newer", DATA, counter=9))
    put(peer, "c", b"more", DATA, None)
    lock(peer, COUNTED, reads=True)
    restart(peer)
    later = _attest(peer, device)
    assert (later["state"], later["unlocked"], later["flags"]) == (COUNTED, 0, 1)
    assert (later["resets"], later["objects"]) == (1, 3)
    assert later["digest"] == _digest(peer.call("ls"))
    assert (later["active"], later["active_counter"]) == (_sha(model), 1)
    assert later["product"].rstrip(b"\0").decode() == PRODUCT
    assert later["key0"] == int.from_bytes(key_id(OWNER), "little")
    assert later["key1"] == int.from_bytes(key_id(SECOND), "little")
    assert later["sequence"] > told["sequence"]
    unlock(peer)
    last = _attest(peer, device)
    assert (last["state"], last["unlocked"]) == (COUNTED, 1)
    assert last["sequence"] == later["sequence"] + 1


def test_a_report_needs_a_nonce_of_32_bytes(peer: Peer) -> None:
    for wrong in ([], [bytes(31)], [bytes(33)], ["text"], [5], [bytes(32), 1]):
        assert refused(peer, "attest", *wrong).code == E_PARAMS


def test_the_floor_is_told(peer: Peer, lockable: Path) -> None:
    data = make_blob(lockable).pack()
    lock(peer, COUNTED)
    put(peer, "model", data, BLOB, seal("model", data, BLOB, counter=5), activate=True)
    assert peer.call("confirm", "model") is None
    assert peer.call("trust")["floor"] == 5
    assert _attest(peer, key_of(peer))["floor"] == 5
    older = seal("a", CODE, DATA, counter=4)
    assert refused(peer, "put_begin", "a", DATA, len(CODE), _sha(CODE), older).code == E_COUNTER
