"""Test the core's server over a pipe, by a peer that was written from SPEC-wire."""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import Path

import msgpack
import pytest

from host_sdk.inference.input_codec import ByteLayout, pack
from tests.c.core_build import ROOT, WEIGHTS, make_blob
from tests.c.core_peer import TIMEOUT_S, Peer, RefusedError, frame

pytestmark = pytest.mark.xdist_group("core")

E_METHOD, E_PARAMS, E_BUSY, E_TOO_LONG, E_MSGPACK = -3, -4, -5, -6, -2
E_NOT_FOUND, E_NO_SPACE, E_NAME, E_RANGE = -20, -21, -22, -23
E_SESSION, E_HASH, E_TYPE, E_DAMAGED = -25, -26, -27, -31
E_BLOB_MAGIC, E_BLOB_CPU, E_BLOB_GOLDEN, E_ARENA = -41, -45, -46, -47
E_NO_MODEL, E_INPUT, E_ENTRY, E_STEP, E_CHECK, E_RESULT = -60, -61, -62, -63, -64, -65
E_FAULT, E_DEADLINE, E_STOPPED = -66, -67, -68
E_PYTHON, E_INTERRUPTED = -80, -81
BLOB, SCRIPT, DATA = 1, 2, 3


def refused(peer: Peer, method: str, *params: object) -> RefusedError:
    with pytest.raises(RefusedError) as info:
        peer.call(method, *params)
    return info.value


# ---- The session -------------------------------------------------------------------------------


def test_boot_and_hello(built: Path, tmp_path: Path) -> None:
    with Peer(built / "board_host", tmp_path / "flash") as peer:
        told = peer.hello()
        assert peer.notifications == [["boot", [told["boot"]]]]
        assert told["protocol"] == [1, 0]
        assert told["flash"] == {"size": 1 << 18, "sector": 4096, "free": (1 << 18) - 32768}
        assert (told["frame"], told["window"], told["micropython"]) == (4096, 8, "host")


def test_before_hello_every_request_is_answered_by_boot(built: Path, tmp_path: Path) -> None:
    with Peer(built / "board_host", tmp_path / "flash") as peer:
        for n in (2, 3):
            peer.send("ping", 1)
            while len(peer.notifications) < n:
                assert peer.receive(TIMEOUT_S)
        told = peer.hello()
        assert peer.notifications == [["boot", [told["boot"]]]] * 3
        assert peer.arrived == [3]  # the pings stay without a reply
        assert peer.call("ping", 1) == 1


def test_methods_are_those_of_the_spec(peer: Peer) -> None:
    spec = (ROOT / "docs" / "SPEC-wire.md").read_text()
    section = spec.split("## 3. Methods")[1].split("## 4.")[0]
    methods = peer.hello()["methods"]
    assert methods == re.findall(r"^\| `(\w+)\(", section, re.M)
    for method in methods:
        line = peer.call("help", method)
        assert line.startswith(f"{method}(")
        assert " -> " in line
    assert refused(peer, "help", "nothing").code == E_METHOD


@pytest.mark.parametrize(
    "value", [None, True, -1, 2**64 - 1, -(2**63), 1.5, "é", b"\0" * 3000, [1, {"a": [None]}]]
)
def test_ping_gives_back_any_value(peer: Peer, value: object) -> None:
    assert peer.call("ping", value) == value


def test_wrong_requests(peer: Peer) -> None:
    assert refused(peer, "nothing").code == E_METHOD
    assert refused(peer, "ping").code == E_PARAMS
    error = refused(peer, "ping", 1, 2)
    assert error.code == E_PARAMS
    assert error.message.endswith("given are 2, limit 1")
    assert refused(peer, "get", "x", -1, 2).code == E_PARAMS
    assert refused(peer, "get", "x", 2**32, 2).code == E_PARAMS
    assert refused(peer, "rm", b"x").code == E_PARAMS
    assert refused(peer, "put_begin", "x", 3, 5, b"short").code == E_PARAMS
    peer.write(frame([0, 900, "ping", 5]))
    with pytest.raises(RefusedError) as info:
        peer.reply(900)
    assert info.value.code == E_MSGPACK
    silent: object
    for silent in ([1, 5, None, None], [0, "id", "ping", []], 7, [2, "topic", []], {}):
        peer.write(frame(silent))
    assert peer.call("ping", 1) == 1
    assert not peer.replies


def test_text_and_frames_share_the_line(peer: Peer) -> None:
    peer.write(b"typed ")
    assert peer.call("ping", 1) == 1
    peer.write(b"text")
    assert peer.call("ping", 2) == 2
    assert peer.text == b"typed text"


def test_a_repeated_request_is_not_executed_again(peer: Peer) -> None:
    peer.put("a", b"bytes", DATA)
    gone = peer.send("rm", "a")
    assert peer.reply(gone) is None
    for _ in range(3):
        assert peer.call("rm", "a", id=gone) is None
    assert refused(peer, "rm", "a").code == E_NOT_FOUND
    for i in range(30):
        peer.call("ping", i)
    assert peer.call("rm", "a", id=gone) is None
    peer.call("ping", 30)
    with pytest.raises(RefusedError):  # 32 replies later, the refusal among them, it is forgotten
        peer.call("rm", "a", id=gone)
    begun = peer.send("put_begin", "b", DATA, 5, bytes(32))
    first = peer.reply(begun)
    assert peer.call("put_begin", "b", DATA, 5, bytes(32), id=begun) == first


def test_hello_of_another_host_forgets(peer: Peer) -> None:
    session = peer.begin("a", b"bytes", DATA)["session"]
    kept = peer.send("ping", "old")
    assert peer.reply(kept) == "old"
    peer.hello(1)  # the same host again: nothing is forgotten
    assert peer.call("ping", "new", id=kept) == "old"
    peer.hello(2)
    assert peer.call("ping", "new", id=kept) == "new"
    assert refused(peer, "put_data", session, 0, b"bytes").code == E_SESSION


def test_window_of_requests_in_one_write(peer: Peer) -> None:
    peer.write(b"".join(frame([0, 100 + i, "ping", [i]]) for i in range(8)))
    assert [peer.reply(100 + i) for i in range(8)] == list(range(8))


def test_reset(peer: Peer) -> None:
    before = peer.hello()["boot"]
    assert (before["cause"], before["resets"]) == (0, 0)
    assert peer.call("reset") is None
    while len(peer.notifications) < 2:
        assert peer.receive(TIMEOUT_S)
    told = peer.hello(2)["boot"]
    assert (told["cause"], told["resets"], told["fault_step"]) == (1, 1, -1)
    assert peer.notifications == [["boot", [before]], ["boot", [told]]]


# ---- The store ---------------------------------------------------------------------------------


def test_upload_list_get_remove(peer: Peer) -> None:
    data = bytes(i * 7 % 256 for i in range(10001))
    done = peer.put("data.bin", data, DATA)
    assert done == {
        "name": "data.bin",
        "version": 1,
        "active": False,
        "golden": False,
        "golden_us": 0,
        "pending": False,
        "pause_us": done["pause_us"],
    }
    assert peer.call("ls") == [
        {
            "name": "data.bin",
            "type": DATA,
            "size": 10001,
            "version": 1,
            "active": False,
            "sha256": hashlib.sha256(data).digest(),
            "health": 1,
        }
    ]
    assert peer.call("get", "data.bin", 0, 4000) == data[:4000]
    assert peer.call("get", "data.bin", 9999, 4000) == data[9999:]
    assert peer.call("get", "data.bin", 10001, 4000) == b""
    assert refused(peer, "get", "data.bin", 10002, 1).code == E_RANGE
    assert refused(peer, "get", "data.bin", 0, 4096).code == E_TOO_LONG
    assert peer.call("rm", "data.bin") is None
    assert peer.call("ls") == []
    assert refused(peer, "get", "data.bin", 0, 1).code == E_NOT_FOUND


def test_damaged_bytes_are_given_only_raw(built: Path, tmp_path: Path) -> None:
    data, flash = bytes(i * 7 % 251 for i in range(10001)), tmp_path / "flash"
    with Peer(built / "board_host", flash) as peer:
        peer.hello()
        peer.put("data.bin", data, DATA)
        peer.put("whole", b"whole", DATA)
    wrong = bytearray(flash.read_bytes())
    at = wrong.index(data)
    wrong[at + 10000] ^= 1
    flash.write_bytes(wrong)
    with Peer(built / "board_host", flash) as peer:
        assert peer.hello()["troubles"] == []
        assert [o["health"] for o in peer.call("ls")] == [0, 0]
        for n in (0, 100):
            error = refused(peer, "get", "data.bin", 0, n)
            assert error.code == E_DAMAGED
            assert error.message.endswith("that were stored: data.bin version 1")
        assert peer.call("get", "whole", 0, 9) == b"whole"
        assert [o["health"] for o in peer.call("ls")] == [2, 1]
        assert peer.call("flash_read", at + 9990, 11) == bytes(wrong[at + 9990 : at + 10001])
        end = len(wrong)
        assert peer.call("flash_read", end - 3, 4000) == bytes(wrong[-3:])
        assert peer.call("flash_read", end, 1) == b""
        assert refused(peer, "flash_read", end + 1, 1).code == E_RANGE
        assert refused(peer, "flash_read", 0, 4096).code == E_TOO_LONG


def test_bytes_that_are_there_are_not_sent(peer: Peer) -> None:
    free = peer.hello()["flash"]["free"]
    peer.put("a", b"x" * 5000, DATA)
    begun = peer.begin("b", b"x" * 5000, DATA)
    assert begun["have"]
    peer.call("put_end", begun["session"])
    assert peer.hello()["flash"]["free"] == free - 8192  # one extent, two names
    peer.call("rm", "a")
    assert peer.call("get", "b", 4990, 100) == b"x" * 10
    assert peer.put("b", b"x" * 5000, DATA)["version"] == 1  # it is current already
    assert peer.put("b", b"y" * 5000, DATA)["version"] == 2


def test_refused_uploads(peer: Peer) -> None:
    def begin(name: str, type: int, size: int) -> int:
        return refused(peer, "put_begin", name, type, size, bytes(32)).code

    assert begin("", DATA, 1) == E_NAME
    assert begin("x" * 40, DATA, 1) == E_NAME
    assert begin("a\0b", DATA, 1) == E_NAME
    assert begin("a", 0, 1) == E_TYPE
    assert begin("a", DATA, 0) == E_RANGE
    assert begin("a", DATA, 1 << 18) == E_NO_SPACE
    session = peer.begin("a", b"right", DATA)["session"]
    assert refused(peer, "put_end", session + 1).code == E_SESSION
    assert refused(peer, "put_data", session, 1, b"right").code == E_RANGE
    peer.call("put_data", session, 0, b"wrong")
    assert refused(peer, "put_end", session).code == E_HASH
    assert peer.call("ls") == []
    session = peer.begin("a", b"right", DATA)["session"]
    peer.call("put_data", session, 0, b"right")
    assert refused(peer, "put_end", session, True).code == E_TYPE


def test_a_long_list_comes_in_parts(peer: Peer) -> None:
    names = [f"object {i}" for i in range(33)]
    for name in names:
        peer.put(name, name.encode(), SCRIPT)
    seen: list[str] = []
    while part := peer.call("ls", len(seen)):
        seen += [item["name"] for item in part]
    assert seen == names


def test_a_killed_board_holds_its_objects(built: Path, tmp_path: Path) -> None:
    blob = make_blob(built).pack()
    with Peer(built / "board_host", tmp_path / "flash") as peer:
        peer.hello()
        peer.put("kept", blob, activate=True)
        peer.pieces(peer.begin("lost", b"z" * 5000, DATA)["session"], b"z" * 5000)
    with Peer(built / "board_host", tmp_path / "flash") as peer:
        peer.hello()
        assert [item["name"] for item in peer.call("ls")] == ["kept"]
        assert peer.call("run", 0, [bytes(16)])["result"] == WEIGHTS


# ---- Models ------------------------------------------------------------------------------------


def test_model_runs(peer: Peer, built: Path) -> None:
    assert refused(peer, "run").code == E_NO_MODEL
    assert refused(peer, "model").code == E_NO_MODEL
    blob = make_blob(built)
    data = blob.pack()
    done = peer.put("net", data)
    assert (done["golden"], done["active"]) == (True, False)
    assert refused(peer, "run").code == E_NO_MODEL
    assert peer.call("activate", "net")["version"] == 1
    told = peer.call("model")
    assert told["sha256"] == hashlib.sha256(data).digest()
    assert (told["inputs"], told["outputs"], told["steps"]) == ([16], [16], 2)
    assert told["entries"] == [{"result": 0, "size": 16}, {"result": 9, "size": 20}]
    assert msgpack.unpackb(peer.call("get", "net", *told["metadata"])) == {"name": "test"}
    expected = bytes(w + 1 for w in WEIGHTS)
    done = peer.call("run", 0, [b"\1" * 16], True)
    assert (done["result"], done["size"], len(done["steps"])) == (expected, 16, 1)
    done = peer.call("run", 1)
    assert (done["result"], done["size"], done["steps"]) == (expected[:1] * 20, 20, None)
    assert peer.call("out_read", 3, 100) == expected[:1] * 17
    assert refused(peer, "out_read", 21, 1).code == E_RANGE


def test_packed_inputs(peer: Peer, built: Path) -> None:
    peer.put("net", make_blob(built).pack(), activate=True)
    values = bytes([5] * 8 + [250] * 8)
    packed = pack(values, ByteLayout(1, 8, 0), 100)
    assert packed is not None
    expected = bytes((v + w) & 255 for v, w in zip(values, WEIGHTS, strict=True))
    assert peer.call("run", 0, [[16, 1, 8, 0, packed]])["result"] == expected
    peer.call("in_write", 0, 0, bytes(16))
    peer.call("in_write", 0, 0, [16, 1, 8, 0, packed])
    assert peer.call("run", 0, None, False, zlib.crc32(values))["result"] == expected
    for wrong in ([16, 0, 8, 0, b""], [16, 2, 1, 0, b""], [16, 1, 8, 256, b""], [16, 1, 8, 0], 7):
        assert refused(peer, "run", 0, [wrong]).code == E_PARAMS
        assert refused(peer, "in_write", 0, 0, wrong).code == E_PARAMS
    assert refused(peer, "run", 0, [[15, 1, 8, 0, packed]]).code == E_INPUT
    assert refused(peer, "in_write", 0, 1, [16, 1, 8, 0, packed]).code == E_INPUT
    assert refused(peer, "in_write", 0, 0, [2**32 - 1, 1, 8, 0, packed]).code == E_INPUT


def test_a_run_checks_what_was_written(peer: Peer, built: Path) -> None:
    peer.put("net", make_blob(built).pack(), activate=True)
    peer.call("in_write", 0, 0, b"\1" * 16)
    assert refused(peer, "run", 0, None, False, zlib.crc32(b"\2" * 16)).code == E_CHECK
    assert peer.call("run", 0, None, False, zlib.crc32(b"\1" * 16))["size"] == 16


def forget_short_replies(peer: Peer) -> None:
    """Ping until the board has forgotten every reply that it keeps."""
    for i in range(40):
        peer.call("ping", i)


def test_a_repeated_run_is_not_run_again(peer: Peer, built: Path) -> None:
    peer.put("net", make_blob(built).pack(), activate=True)
    done = peer.call("run", 1, [b"\1" * 16], True, id=500)
    forget_short_replies(peer)
    assert peer.call("run", 1, [b"\1" * 16], True, id=500) == done
    peer.call("in_write", 0, 0, b"\2" * 16)  # where the result may have been
    forget_short_replies(peer)
    again = peer.call("run", 1, [b"\1" * 16], True, id=500)
    assert again["at"] != done["at"]
    assert again["result"] == done["result"]


def test_a_run_on_inputs_that_another_used_is_refused(peer: Peer, built: Path) -> None:
    peer.put("net", make_blob(built).pack(), activate=True)
    peer.call("in_write", 0, 0, b"\1" * 16)
    done = peer.call("run", id=500)
    forget_short_replies(peer)
    assert peer.call("run", id=500) == done
    peer.call("in_write", 0, 0, b"\2" * 16)
    forget_short_replies(peer)
    for late in (500, 499):
        with pytest.raises(RefusedError) as info:
            peer.call("run", id=late)
        assert info.value.code == E_CHECK
    right = zlib.crc32(b"\2" * 16)
    assert peer.call("run", 0, None, False, right, id=498)["size"] == 16  # the CRC says more
    peer.hello(2)
    assert peer.call("run", id=499)["size"] == 16  # of another session


def test_a_result_is_read_of_its_run_or_not_at_all(peer: Peer, built: Path) -> None:
    peer.put("net", make_blob(built).pack(), activate=True)
    run = peer.send("run", 1, [b"\1" * 16])
    result = peer.reply(run)["result"]
    assert peer.call("out_read", 0, 100, run) == result
    assert refused(peer, "out_read", 0, 100, run + 1).code == E_RESULT
    peer.call("in_write", 0, 0, b"\2" * 16)
    assert refused(peer, "out_read", 0, 100, run).code == E_RESULT
    run = peer.send("run", 1, [b"\1" * 16])
    peer.reply(run)
    peer.put("net", make_blob(built).pack(), activate=True)
    assert refused(peer, "out_read", 0, 100, run).code == E_RESULT
    again = peer.send("run", 1, [b"\1" * 16])
    peer.reply(again)
    assert refused(peer, "out_read", 0, 100, run).code == E_RESULT
    assert peer.call("out_read", 0, 100, again) == result


def test_wrong_inputs(peer: Peer, built: Path) -> None:
    peer.put("net", make_blob(built).pack(), activate=True)
    assert refused(peer, "run", 2).code == E_ENTRY
    assert refused(peer, "run", 0, []).code == E_INPUT
    assert refused(peer, "run", 0, [bytes(15)]).message.endswith("bytes 15, limit 16")
    assert refused(peer, "run", 0, [5]).code == E_PARAMS
    assert refused(peer, "run", 0, 5).code == E_PARAMS
    assert refused(peer, "in_write", 1, 0, b"").code == E_INPUT
    assert refused(peer, "in_write", 0, 2**32 - 1, b"ab").code == E_INPUT
    peer.call("in_write", 0, 0, bytes(8))
    peer.call("in_write", 0, 8, bytes(8))
    assert refused(peer, "out_read", 0, 1).code == E_RANGE  # no result since the write
    assert peer.call("run")["result"] == WEIGHTS


def test_steps_one_by_one(peer: Peer, built: Path) -> None:
    assert refused(peer, "run_steps", 0, 0, 1).code == E_NO_MODEL
    assert refused(peer, "arena_read", 0, 1).code == E_NO_MODEL
    peer.put("net", make_blob(built).pack(), activate=True)
    peer.call("in_write", 0, 0, b"\1" * 16)
    assert peer.call("run_steps", 1, 0, 1) is None
    expected = bytes(w + 1 for w in WEIGHTS)
    assert peer.call("arena_read", 0, 64) == b"\1" * 16 + expected + bytes(32)
    assert refused(peer, "out_read", 0, 1).code == E_RANGE  # part of a run is no result
    assert peer.call("run_steps", 1, 1, 1) is None
    assert peer.call("arena_read", 32, 20) == expected[:1] * 20
    assert peer.call("run_steps", 0, 1, 0) is None
    assert peer.call("arena_read", 64, 0) == b""
    assert peer.call("run", 1)["result"] == expected[:1] * 20


def test_steps_and_arena_have_bounds(peer: Peer, built: Path) -> None:
    peer.put("net", make_blob(built).pack(), activate=True)
    assert refused(peer, "run_steps", 2, 0, 1).code == E_ENTRY
    assert refused(peer, "run_steps", 0, 0, 2).message.endswith("steps 2, limit 1")
    assert refused(peer, "run_steps", 1, 3, 0).message.endswith("step 3, limit 2")
    assert refused(peer, "run_steps", 1, 1, 2**32 - 1).code == E_RANGE
    assert refused(peer, "run_steps", 0, 0).code == E_PARAMS
    assert refused(peer, "arena_read", 65, 0).message.endswith("offset 65, limit 64")
    assert refused(peer, "arena_read", 0, 65).message.endswith("size 65, limit 64")
    assert refused(peer, "arena_read", 2**32 - 1, 2).code == E_RANGE
    assert refused(peer, "arena_read", 63, 2**32 - 1).code == E_RANGE
    peer.put("big", make_blob(built, arena_bytes=8192).pack(), activate=True)
    assert peer.call("arena_read", 4096, 4000) == bytes(4000)
    assert refused(peer, "arena_read", 0, 4096).code == E_TOO_LONG


def test_a_step_that_fails_is_named(peer: Peer, built: Path) -> None:
    peer.put("net", make_blob(built, "add", "fail", "head", golden=None).pack(), activate=True)
    error = refused(peer, "run")
    assert error.code == E_STEP
    assert error.message.endswith("step 1 returned -7")


STOPS = [
    (
        "fault",
        E_FAULT,
        2,
        "a step faulted: step 1 at 0x2100a0c4, address 0x40004000, CFSR 0x00000082",
    ),
    ("hang", E_DEADLINE, 3, "time ran out: step 1 at 0x2100a0c4"),
    ("long", E_DEADLINE, 3, r"time ran out: milliseconds of the run 300\d\d\d, limit 240000"),
]


@pytest.mark.parametrize(("step", "code", "reason", "message"), STOPS)
def test_a_step_that_was_stopped_ends_the_trial(
    peer: Peer, built: Path, step: str, code: int, reason: int, message: str
) -> None:
    peer.put("net", make_blob(built).pack(), activate=True)
    stopped = make_blob(built, "add", step, "head", golden=None).pack()
    begun = peer.begin("net", stopped)
    peer.pieces(begun["session"], stopped)
    assert peer.call("put_end", begun["session"], True, 1000)["pending"]
    error = refused(peer, "run", 0, [bytes(16)])
    assert error.code == code
    assert re.fullmatch(message, error.message)
    assert peer.call("run", 0, [bytes(16)])["result"] == WEIGHTS
    event = peer.call("history", "net")[-1]
    assert (event["event"], event["reason"], event["detail"]) == ("returned", reason, 1)


@pytest.mark.parametrize(("step", "code", "reason", "message"), STOPS)
def test_a_golden_run_that_was_stopped_is_refused(
    peer: Peer, built: Path, step: str, code: int, reason: int, message: str
) -> None:
    peer.put("net", make_blob(built).pack(), activate=True)
    with pytest.raises(RefusedError) as info:
        peer.put("net", make_blob(built, "add", step, "head").pack(), activate=True)
    assert info.value.code == code
    assert re.fullmatch(message, info.value.message)
    event = peer.call("history", "net")[-1]
    assert (event["event"], event["reason"], event["detail"]) == ("refused", reason, 1)
    assert peer.call("run", 0, [bytes(16)])["result"] == WEIGHTS


def test_a_model_that_is_not_on_trial_outlives_a_stop(peer: Peer, built: Path) -> None:
    stopped = make_blob(built, "add", "fault", "head", golden=None).pack()
    peer.put("net", stopped, activate=True)
    for _ in range(3):
        assert refused(peer, "run", 0, [bytes(16)]).code == E_FAULT
    assert peer.call("model")["version"] == 1


def test_a_step_that_was_not_run_ends_no_trial(peer: Peer, built: Path) -> None:
    """The Pico's second core contains no step, and refuses to run one."""
    peer.put("net", make_blob(built).pack(), activate=True)
    refusing = make_blob(built, "add", "not_here", "head", golden=None).pack()
    begun = peer.begin("net", refusing)
    peer.pieces(begun["session"], refusing)
    assert peer.call("put_end", begun["session"], True, 1000)["pending"]
    for _ in range(2):
        assert refused(peer, "run", 0, [bytes(16)]).code == E_BUSY
    assert peer.call("model")["version"] == 2
    assert peer.call("trial")["name"] == "net"
    assert peer.call("history", "net")[-1]["event"] == "installed"


@pytest.mark.parametrize("arena_bytes", [65536, 16384])  # with and without room for both models
def test_a_bad_model_leaves_the_old_one_active(
    built: Path, tmp_path: Path, arena_bytes: int
) -> None:
    good = make_blob(built, arena_bytes=12288)
    wrong = make_blob(built, arena_bytes=12288, golden=1)
    with Peer(built / "board_host", tmp_path / "flash", arena_bytes) as peer:
        peer.hello()
        peer.put("net", good.pack(), activate=True)
        peer.call("in_write", 0, 0, bytes(16))
        with pytest.raises(RefusedError) as info:
            peer.put("net", wrong.pack(), activate=True)
        assert info.value.code == E_BLOB_GOLDEN
        with pytest.raises(RefusedError) as info:
            peer.put("other", b"garbage" * 100, activate=True)
        assert info.value.code == E_BLOB_MAGIC
        with pytest.raises(RefusedError) as info:
            peer.put("big", make_blob(built, arena_bytes=1 << 20).pack(), activate=True)
        assert info.value.code == E_ARENA
        assert [(i["name"], i["version"], i["active"]) for i in peer.call("ls")] == [
            ("net", 1, True)
        ]
        assert peer.call("run", 0, [bytes(16)])["result"] == WEIGHTS
        assert peer.put("net", make_blob(built, golden=None).pack())["active"]  # takes over
        assert peer.call("model")["version"] == 2
        peer.call("rm", "net")
        assert refused(peer, "run").code == E_NO_MODEL


def test_a_model_for_another_cpu(peer: Peer, built: Path) -> None:
    data = bytearray(make_blob(built).pack())
    data[128] = 77  # family of the first variant
    data[8:40] = hashlib.sha256(data[40:]).digest()
    with pytest.raises(RefusedError) as info:
        peer.put("net", bytes(data))
    assert info.value.code == E_BLOB_CPU


def test_activate_needs_a_blob(peer: Peer) -> None:
    peer.put("text", b"text", SCRIPT)
    assert refused(peer, "activate", "text").code == E_TYPE
    assert refused(peer, "activate", "nothing").code == E_NOT_FOUND


def test_requests_are_answered_while_a_model_runs(peer: Peer, built: Path) -> None:
    peer.put("slow", make_blob(built, *["slow"] * 3, "head", golden=None).pack(), activate=True)
    peer.write(
        b"".join(
            frame([0, id, method, params])
            for id, method, params in [
                (101, "run", []),
                (102, "ping", [1]),
                (103, "help", ["run"]),
                (104, "ls", []),
                (105, "ping", ["behind ls"]),
            ]
        )
    )
    assert len(peer.reply(104)) == 1
    assert peer.arrived[-5:] == [102, 103, 105, 101, 104]  # what is urgent does not wait behind ls
    assert peer.reply(101)["size"] == 16
    assert peer.reply(105) == "behind ls"


LONG = ["slow"] * 200


def start_run(peer: Peer, built: Path, *after: tuple[int, str, list[object]]) -> None:
    """Start a run of 200 steps, and send requests right behind it."""
    peer.put("slow", make_blob(built, *LONG, "head", golden=None).pack(), activate=True)
    requests = [(101, "run", []), *after]
    peer.write(b"".join(frame([0, *request]) for request in requests))


def test_an_interrupt_ends_a_run_between_steps(peer: Peer, built: Path) -> None:
    start_run(peer, built, (102, "ls", []), (103, "interrupt", []))
    with pytest.raises(RefusedError) as info:
        peer.reply(101)
    assert info.value.code == E_STOPPED
    assert re.fullmatch(
        r"an interrupt or a new session ended the run: step \d+", info.value.message
    )
    assert peer.reply(103) is None
    assert len(peer.reply(102)) == 1
    assert refused(peer, "out_read", 0, 16).code == E_RANGE  # it left no result
    peer.call("interrupt")  # nothing runs: nothing to end
    assert peer.call("run")["size"] == 16


def test_a_new_session_ends_a_run_and_what_waits_behind_it(peer: Peer, built: Path) -> None:
    start_run(peer, built, (102, "rm", ["slow"]), (101, "hello", [9]), (102, "ping", ["new"]))
    assert peer.reply(101)["window"] == 8
    assert peer.reply(102) == "new"
    assert [o["name"] for o in peer.call("ls")] == ["slow"]  # rm was of the session before
    assert peer.replies == []  # so was the run


def test_a_reset_does_not_wait_for_a_run(peer: Peer, built: Path) -> None:
    start_run(peer, built, (102, "ls", []), (103, "reset", []))
    assert peer.reply(103) is None
    seen = len(peer.notifications)
    while len(peer.notifications) == seen:
        assert peer.receive(TIMEOUT_S)
    assert [id for id, _, _ in peer.replies] == []


@pytest.mark.parametrize("limit_ms", [0, 60001, 2**32 - 1])
def test_the_limit_of_a_golden_runs_steps_is_bounded(
    peer: Peer, built: Path, limit_ms: int
) -> None:
    blob = make_blob(built).pack()
    begun = peer.begin("net", blob)
    peer.pieces(begun["session"], blob)
    error = refused(peer, "put_end", begun["session"], False, 0, 0, limit_ms)
    assert error.code == E_PARAMS
    assert error.message.endswith(f"limit_ms, at least 1, is {limit_ms}, limit 60000")
    assert peer.call("put_end", begun["session"], False, 0, 0, 60000)["golden"]


# ---- The VM ------------------------------------------------------------------------------------


def test_exec_and_eval(peer: Peer) -> None:
    assert peer.call("exec", "printed") is None
    assert peer.text == b"printed"
    assert peer.call("eval", "\x05") == 5


def test_call_and_list(peer: Peer) -> None:
    for args in ([], [1, "two"], [msgpack.ExtType(1, b"\x01" * 9), msgpack.ExtType(5, b"four")]):
        assert peer.call("call", "echo", args, {"k": None}) == args
    assert peer.call("rpc_list") == 0
    assert peer.call("rpc_list", 70) == 70
    for wrong in (["echo"], ["echo", []], ["echo", {}, {}], ["echo", [], []], [1, [], {}]):
        assert refused(peer, "call", *wrong).code == E_PARAMS


def test_events_are_sent_to_who_wants_them(peer: Peer) -> None:
    def noted() -> list[object]:
        before = len(peer.notifications)
        peer.call("call", "echo", [], {})
        peer.call("ping", 1)
        return peer.notifications[before:]

    assert noted() == []
    peer.call("events")
    assert noted() == [["event", [0]]]
    assert noted() == [["event", [1]]]
    peer.call("events", False)
    assert noted() == []
    peer.call("events", True)
    assert noted() == [["event", [0]]]
    peer.hello(77)
    assert noted() == []


def test_the_vm_works_on_one_request(peer: Peer) -> None:
    held = peer.send("exec", "hold")
    assert refused(peer, "eval", "\x05").code == E_BUSY
    assert peer.call("call", "echo", [3], {}) == [3]  # calls have a lane of their own
    peer.send("exec", "hold", id=held)  # a repetition is neither executed nor refused
    assert peer.call("ping", 1) == 1
    assert not peer.replies
    peer.call("interrupt")
    for _ in range(2):
        with pytest.raises(RefusedError) as info:
            peer.reply(held)
        assert info.value.code == E_INTERRUPTED
        peer.send("exec", "hold", id=held)  # now it gives the stored reply
    assert peer.call("eval", "\x05") == 5


def test_a_forgotten_session_gets_no_reply(peer: Peer) -> None:
    peer.send("exec", "hold")
    peer.hello(2)
    peer.call("interrupt")
    assert peer.call("eval", "\x06") == 6
    assert not peer.replies


def test_a_long_traceback_loses_its_start(peer: Peer) -> None:
    error = refused(peer, "exec", "raise")
    assert error.code == E_PYTHON
    assert error.message == "ValueError: bad"
    assert error.detail is not None
    assert len(error.detail) > 2000
    assert set(error.detail) == {"é"}
    sent = peer.last_id
    with pytest.raises(RefusedError):  # too long for the cache of replies, kept all the same
        peer.call("exec", "not executed", id=sent)
    assert peer.text == b""
