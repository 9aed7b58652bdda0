from __future__ import annotations

import hashlib
import os
import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from host_sdk.cli import main
from host_sdk.errors import KeyFileError, ToolMissingError
from host_sdk.trust.keys import (
    PASSWORD_VARIABLE,
    is_development_key,
    key_id,
    new_key,
    public_pem,
    read_public_key,
    read_secret_key,
    verify,
)
from tests.c.test_signatures import ORDER_8_Y


def xipnet(*arguments: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=typed)


def test_a_new_key_is_its_owners_and_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "key"
    public = new_key(file, "secret")
    if sys.platform != "win32":
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert b"ENCRYPTED" in file.read_bytes()
    assert read_public_key(tmp_path / "key.pub") == public
    before = file.read_bytes()
    for there in ("key", "other"):
        (tmp_path / "other.pub").write_text("")
        with pytest.raises(KeyFileError, match="exists and is not overwritten"):
            new_key(tmp_path / there, None)
    assert file.read_bytes() == before
    assert not (tmp_path / "other").exists()


def test_a_key_is_read_by_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    public = new_key(file, "sécret")
    key = read_secret_key(file, "sécret")
    assert key.public_key().public_bytes_raw() == public
    assert verify(public, b"message", key.sign(b"message"))
    for wrong in ("other", ""):
        with pytest.raises(KeyFileError, match="the password is wrong"):
            read_secret_key(file, wrong)
    with pytest.raises(KeyFileError, match="its password must be in XIPNET_KEY_PASSWORD"):
        read_secret_key(file)
    monkeypatch.setenv(PASSWORD_VARIABLE, "sécret")
    assert read_public_key(file) == public
    with pytest.raises(KeyFileError, match="at least 1 character"):
        new_key(tmp_path / "k", "")


def test_a_password_is_asked_for_only_if_there_is_one(key: Path) -> None:
    def ask() -> str:
        raise AssertionError

    assert read_public_key(key, ask) == read_public_key(f"{key}.pub")


def test_public_keys_in_all_forms(key: Path, tmp_path: Path) -> None:
    public = read_public_key(key)
    (tmp_path / "hex").write_text(f"{public.hex()}\n")
    forms = (public, public.hex(), public.hex().upper(), tmp_path / "hex", f"{key}.pub", key)
    assert {read_public_key(form) for form in forms} == {public}
    loaded = serialization.load_pem_public_key(public_pem(public).encode())
    raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    assert loaded.public_bytes(*raw) == public
    assert key_id(public) == hashlib.sha256(public).digest()[:4]


def test_the_development_key_is_that_of_the_specification() -> None:
    seed = hashlib.sha256(b"xipnet development key").digest()
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert read_public_key("development") == public
    assert is_development_key(public)
    assert not is_development_key(bytes(32))


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "64 hexadecimal digits or PEM; is neither"),
        (b"g" * 64, "64 hexadecimal digits or PEM"),
        (bytes(20000), "at most 16,384 bytes"),
        (b"-----BEGIN PUBLIC KEY-----\n????\n-----END PUBLIC KEY-----", "damaged PEM"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "of Ed25519; is not"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "cannot be read: "),
        (b"\x1b]0;x\x07" * 4, "is neither"),
    ],
)
def test_files_that_are_no_keys(tmp_path: Path, contents: bytes, message: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(contents)
    with pytest.raises(KeyFileError, match=message):
        read_public_key(file)
    with pytest.raises(KeyFileError):
        read_secret_key(file)


def test_keys_of_other_curves_are_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    with pytest.raises(KeyFileError, match="must be of Ed25519"):
        read_secret_key(tmp_path / "key")
    with pytest.raises(KeyFileError, match="32 bytes; has 31"):
        read_public_key(bytes(31))
    with pytest.raises(KeyFileError, match="cannot be read: No such file"):
        read_public_key(tmp_path / "none")


def test_without_cryptography_it_is_said_how_to_get_it(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = read_public_key(key)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert read_public_key(f"{key}.pub") == public
    for needs in (lambda: read_secret_key(key), lambda: verify(public, b"", bytes(64))):
        with pytest.raises(ToolMissingError, match=r"pip install 'xipnet\[sign\]'"):
            needs()
    assert "pip install 'xipnet[sign]'" in xipnet("key", "new", key.parent / "k").output


# ---- The commands --------------------------------------------------------------------------------


def test_key_new_asks_twice_and_speaks_of_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    file = tmp_path / "key"
    assert xipnet("key", "new", file, typed="sesame\nother\n").exit_code == 1
    made = xipnet("key", "new", file, typed="sesame\nsesame\n")
    assert made.exit_code == 0, made.output
    public = read_public_key(f"{file}.pub")
    for word in (public.hex(), key_id(public).hex(), "Make a backup of"):
        assert word in made.output
    shown = xipnet("key", "show", file, typed="sesame\n")
    assert public.hex() in shown.output
    assert "sesame" not in made.output + shown.output


def test_passwords_of_files_and_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "of the environment")
    (tmp_path / "password").write_text("of the file\nmore\n")
    assert xipnet("key", "new", tmp_path / "a").exit_code == 0
    by_file = ("--password-file", tmp_path / "password")
    assert xipnet("key", "new", tmp_path / "b", *by_file).exit_code == 0
    assert read_public_key(tmp_path / "a") == read_public_key(tmp_path / "a.pub")
    assert "the password is wrong" in xipnet("key", "show", tmp_path / "b").output
    assert xipnet("key", "show", tmp_path / "b", *by_file).exit_code == 0
    (tmp_path / "password").write_text("\n")
    assert "must hold a password" in xipnet("key", "new", tmp_path / "c", *by_file).output


def test_the_development_key_is_shown_with_a_warning() -> None:
    shown = xipnet("key", "show", "development")
    assert "everybody has the development key" in shown.output


@pytest.mark.parametrize("sign_of_x", [0, 1])
@pytest.mark.parametrize("y", ORDER_8_Y)
def test_a_key_of_small_order_signs_nothing(y: int, sign_of_x: int) -> None:
    key = (y | sign_of_x << 255).to_bytes(32, "little")
    signature = (1).to_bytes(32, "little") + bytes(32)  # R is neutral, S is 0
    assert not any(verify(key, bytes([i]), signature) for i in range(64))
