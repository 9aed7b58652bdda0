"""Which seal goes with an upload, and what is said if a board wants one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host_sdk import Device, InputError, KeyFileSigner, SealError, SealFileError, swap_models
from host_sdk.cli import main
from host_sdk.trust.seals import read_seal
from relocatable.blob.blob import Blob
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.scripted_board import ScriptedBoard
from tests.unit.host_sdk.test_fleet import Port
from tests.unit.host_sdk.trust.lockable import sent_seals
from tests.unit.relocatable.test_own_operators import model as a_tflite

Lockable = tuple[ScriptedBoard, Device]


@pytest.fixture
def locked(lockable: Lockable, key: Path) -> Lockable:
    device = lockable[1]
    device.lock("locked", "gate", [f"{key}.pub"], reads=True)
    return lockable


def xipnet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def lock_port(key: Path) -> Port:
    """Make a locked board at a TCP port."""
    port = Port(lockable=True)
    with Device(port.url) as device:
        device.lock("locked", "gate", [f"{key}.pub"])
    return port


def sign(key: Path, *more: str | Path) -> Result:
    signed = xipnet("sign", *more, "--key", key, "--product", "gate")
    assert signed.exit_code == 0, signed.output
    return signed


def test_the_seal_beside_a_file_goes_with_it(locked: Lockable, key: Path, tmp_path: Path) -> None:
    board, device = locked
    script, blob = tmp_path / "main.py", tmp_path / "adds.bin"
    script.write_text("print(1)")
    blob.write_bytes(make_blob())
    sign(key, script, blob, "--counter", "5")
    device.put(script)
    device.load_model(blob)
    assert {(o.name, o.sealed, o.counter) for o in device.ls()} == {
        ("main.py", True, 5),
        ("adds", True, 5),
    }
    assert sent_seals(board)["adds"].pack() == (tmp_path / "adds.bin.seal").read_bytes()
    assert device.get("main.py") == b"print(1)"


def test_a_blob_for_several_cpus_has_one_seal(locked: Lockable, key: Path, tmp_path: Path) -> None:
    thin = Blob.unpack(make_blob())
    other = replace(thin.variants[0], family=99, code=bytes(64), steps=(0, 0))
    path = tmp_path / "adds.bin"
    path.write_bytes(replace(thin, variants=(other, *thin.variants)).pack())
    sign(key, path, "--counter", "5")
    assert xipnet("verify", path, "--key", f"{key}.pub").exit_code == 0
    assert locked[1].load_model(path).golden
    [stored] = locked[1].ls()
    assert (stored.sealed, stored.size_bytes) == (True, path.stat().st_size)


def test_seals_as_bytes_as_a_path_and_made_now(locked: Lockable, key: Path, tmp_path: Path) -> None:
    _, device = locked
    signer = KeyFileSigner(key, product="gate", counter=2)
    (tmp_path / "elsewhere").mkdir()
    data = tmp_path / "labels.txt"
    data.write_text("a b")
    sign(key, data, "-o", tmp_path / "elsewhere" / "s")
    device.put(data, seal=tmp_path / "elsewhere" / "s")
    device.put(data, seal=(tmp_path / "elsewhere" / "s").read_bytes())
    device.put("other.txt", b"c", seal=signer)
    device.load_model(make_blob(), "m", seal=signer)
    assert [(o.name, o.counter) for o in device.ls()] == [
        *(("labels.txt", 0), ("other.txt", 2), ("m", 2)),
    ]


def test_a_board_that_wants_a_seal_says_how(locked: Lockable, tmp_path: Path) -> None:
    _, device = locked
    uploads: list[Callable[[], object]] = [
        lambda: device.put("a.txt", b"a"),
        lambda: device.load_model(make_blob()),
    ]
    for upload in uploads:
        with pytest.raises(SealError, match=r"no seal.*; sign it: `xipnet sign FILE --key KEY"):
            upload()
    other = KeyFileSigner("development", product="gate")
    with pytest.raises(SealError) as caught:
        device.put("a.txt", b"a", seal=other)
    assert "sign it" not in str(caught.value)


def test_a_seal_for_something_else_is_not_sent(locked: Lockable, key: Path, tmp_path: Path) -> None:
    board, device = locked
    script = tmp_path / "main.py"
    script.write_text("print(1)")
    sign(key, script)
    script.write_text("print(2)")
    with pytest.raises(SealFileError, match="over other bytes"):
        device.put(script)
    script.write_text("print(1)")
    with pytest.raises(SealFileError, match=r"is for the name 'main\.py'"):
        device.put("boot.py", script)
    for wrong in (b"", bytes(192), tmp_path / "none", script):
        with pytest.raises(SealFileError):
            device.put("main.py", b"print(1)", seal=wrong)
    assert [r for r in board.requests if r.method == "put_begin"] == []
    assert device.put(script).sent_bytes > 0


def test_a_model_that_is_compiled_is_sealed_by_a_signer(locked: Lockable, key: Path) -> None:
    board, device = locked
    folder = str(Path(__file__).parents[4] / "examples" / "own_operators")
    with pytest.raises(InputError, match=r"`xipnet build`\), then sign that"):
        device.load_model(a_tflite(), "own", ops=folder, seal=bytes(192))
    device.load_model(a_tflite(), "own", ops=folder, seal=KeyFileSigner(key, product="gate"))
    assert sent_seals(board)["own"].kind == 1


def test_the_open_build_gets_no_seal_and_the_user_a_note(
    connect: Connect, key: Path, tmp_path: Path
) -> None:
    board, device = connect()
    script = tmp_path / "main.py"
    script.write_text("print(1)")
    assert device.put(script).note == ""
    sign(key, script)
    assert "sent without its seal: host takes unsigned objects" in device.put(script).note
    signer = KeyFileSigner(key, product="gate")
    assert "without its seal" in device.load_model(make_blob(), seal=signer).note
    begun = [r for r in board.requests if r.method == "put_begin"]
    assert [len(r.params) for r in begun] == [4] * 3


def test_commands_take_seals_and_show_notes(key: Path, tmp_path: Path) -> None:
    port, blob = Port(), tmp_path / "adds.bin"
    blob.write_bytes(make_blob())
    seal = tmp_path / "s"
    sign(key, blob, "-o", seal)
    try:
        for command in ("load", "put", "ota"):
            named = ["--name", "adds"] if command == "put" else []
            done = xipnet(command, blob, *named, "--seal", seal, "--port", port.url)
            assert done.exit_code == 0, done.output
            assert "sent without its seal" in done.output
        port.close()
        port = lock_port(key)
        refused = xipnet("put", blob, "--name", "adds", "--port", port.url)
        assert "sign it: `xipnet sign" in refused.output
        for command in ("load", "ota"):
            done = xipnet(command, blob, "--seal", seal, "--port", port.url)
            assert done.exit_code == 0, done.output
            assert "note:" not in done.output
        assert "sealed, counter 0" in xipnet("ls", "--port", port.url).output
        many = xipnet("put", blob, blob, "--seal", seal, "--port", port.url)
        assert "--name and --seal are for one FILE" in many.output
    finally:
        port.close()


def test_many_boards_are_sealed_for_once(key: Path, tmp_path: Path) -> None:
    asked: list[bytes] = []

    class Counting(KeyFileSigner):
        def _sign(self, message: bytes) -> bytes:
            asked.append(message)
            return super()._sign(message)

    ports = [lock_port(key), lock_port(key)]
    try:
        signer = Counting(key, product="gate")
        swapped = swap_models([p.url for p in ports], make_blob(), "m", seal=signer)
        assert swapped.ok, swapped
    finally:
        for port in ports:
            port.close()
    assert len(asked) == 1


# ---- sign, verify, inspect -----------------------------------------------------------------------


def test_sign_names_objects_as_load_and_put_do(key: Path, tmp_path: Path) -> None:
    files = {"main.py": b"print(1)", "coins.bin": make_blob(), "labels.txt": b"a"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    sign(key, *(tmp_path / name for name in files))
    seals = [read_seal((tmp_path / f"{name}.seal").read_bytes()) for name in files]
    assert [(s.name, s.kind) for s in seals] == [("main.py", 2), ("coins", 1), ("labels.txt", 3)]
    sign(key, tmp_path / "coins.bin", "--name", "gate", "--min-firmware", "0.2.0")
    seal = read_seal((tmp_path / "coins.bin.seal").read_bytes())
    assert (seal.name, seal.minimum_firmware) == ("gate", (0, 2, 0))


def test_what_sign_refuses(key: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(a_tflite())
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "a").write_bytes(b"a")
    by = ("--key", key, "--product", "gate")
    for arguments, message in (
        (("m.tflite", *by), "`xipnet build` it, then sign that"),
        (("empty", *by), "must have at least 1 byte"),
        (("none", *by), "cannot be read: No such file"),
        (("a", "--product", "gate"), "--key or --signer must be given"),
        (("a", *by, "--signer", "x"), "not both"),
        (("a", "--product", "gate", "--signer", "x"), "--signer needs --public-key"),
        (("a", *by, "--public-key", key), "a key in a file has its own"),
        (("a", "--key", key, "--product", "p" * 16), "product must be 1 to 15"),
        (("a", *by, "--counter", "-1"), "counter must be in"),
        (("a", *by, "--min-firmware", "1"), "such as 1.2.3"),
    ):
        refused = xipnet("sign", tmp_path / arguments[0], *arguments[1:])
        assert refused.exit_code in (1, 2)
        assert message in refused.output
        assert "Traceback" not in refused.output
    assert not list(tmp_path.glob("*.seal"))


def test_verify_and_inspect(key: Path, tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text("print(1)")
    sign(key, script, "--counter", "9")
    good = xipnet("verify", script, "--key", f"{key}.pub")
    assert good.exit_code == 0, good.output
    shown = xipnet("inspect", tmp_path / "main.py.seal").output
    for words in ("script", "main.py", "gate", "counter", " 9\n", "0.0.0", "8\n", "signature"):
        assert words in good.output
        assert words in shown
    assert '"counter": 9' in xipnet("inspect", tmp_path / "main.py.seal", "--json").output
    for arguments, message in (
        ((script, "--key", "development"), "must be signed by the key"),
        ((script, "--key", key, "--name", "x"), "is for the name 'main.py'; 'x' is"),
        ((script, "--key", key, "--seal", script), "must have 192 bytes; has 8"),
        ((tmp_path / "none", "--key", key), "cannot be read"),
    ):
        refused = xipnet("verify", *arguments)
        assert refused.exit_code == 1
        assert message in refused.output
    script.write_text("print(2)")
    assert "over other bytes" in xipnet("verify", script, "--key", key).output
    cut = tmp_path / "cut.seal"
    cut.write_bytes((tmp_path / "main.py.seal").read_bytes()[:100])
    assert "must have 192 bytes; has 100" in xipnet("inspect", cut).output


def test_the_development_key_warns(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    signed = xipnet("sign", tmp_path / "a", "--key", "development", "--product", "p")
    assert "warning: everybody has the development key" in signed.output
