from __future__ import annotations

import sys
from pathlib import Path

import pytest

from host_sdk import CommandSigner, InputError, KeyFileSigner, SignerError
from host_sdk.store.files import SCRIPT, NewObject
from host_sdk.trust.keys import read_public_key, verify
from host_sdk.trust.seals import read_seal

NEW = NewObject("main.py", b"print(1)", SCRIPT)
SIGN = """
import sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(open(sys.argv[1], "rb").read(), None)
message = sys.stdin.buffer.read()
assert len(message) == 128, len(message)
"""
RAW = "sys.stdout.buffer.write(key.sign(message))"
HEX = "print(key.sign(message).hex())"
OTHER = "sys.stdout.buffer.write(key.sign(message + b'.'))"


def command(key: Path, end: str) -> list[str]:
    return [sys.executable, "-c", SIGN + end, str(key)]


@pytest.mark.parametrize("end", [RAW, HEX])
def test_a_command_signs_what_a_file_does(key: Path, end: str) -> None:
    asked = CommandSigner(command(key, end), f"{key}.pub", product="gate", counter=3)
    own = KeyFileSigner(key, product="gate", counter=3)
    assert asked.seal(NEW) == own.seal(NEW)
    assert read_seal(own.seal(NEW)).is_by(read_public_key(key))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit(3)", "exit code 0; ended with 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended with by signal 9"),
        ("pass", "must give 64 bytes, or their hexadecimal digits; gave 0 bytes"),
        ("print('\\x1b[2J' * 40)", "gave 161 bytes"),
        ("print('g' * 128)", "gave 129 bytes"),
        ("print('0' * 126)", "gave 127 bytes"),
        ("print('0' * 128)", "does not verify by the public key"),
    ],
)
def test_a_command_that_does_not_sign(key: Path, program: str, message: str) -> None:
    signer = CommandSigner([sys.executable, "-c", program], f"{key}.pub", product="gate")
    with pytest.raises(SignerError, match=message) as caught:
        signer.seal(NEW)
    assert str(caught.value).isprintable()


def test_what_is_signed_is_verified(key: Path) -> None:
    with pytest.raises(SignerError, match="another key signed, or something else"):
        CommandSigner(command(key, OTHER), f"{key}.pub").sign(bytes(128))
    with pytest.raises(SignerError, match="another key signed"):
        CommandSigner(command(key, RAW), "development").sign(bytes(128))


def test_a_command_that_never_ends(key: Path) -> None:
    forever = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(SignerError, match=r"must answer within 0.01 s; did not"):
        CommandSigner(forever, f"{key}.pub", timeout_s=0.01).sign(bytes(128))


def test_commands_are_split_and_no_shell_reads_them(key: Path, tmp_path: Path) -> None:
    script = tmp_path / "sign it.py"
    script.write_text(SIGN + HEX)
    line = f"'{sys.executable}' '{script}' '{key}'"
    assert len(CommandSigner(line, f"{key}.pub").sign(bytes(128))) == 64
    with pytest.raises(SignerError, match="cannot be started: No such file"):
        CommandSigner("no-such-program-7 && true", f"{key}.pub").sign(bytes(128))
    for wrong, message in (("", "is empty"), ("'", "No closing quotation")):
        with pytest.raises(InputError, match=message):
            CommandSigner(wrong, f"{key}.pub")


def test_seals_need_a_product_and_orders_do_not(key: Path) -> None:
    signer = KeyFileSigner(key)
    assert verify(signer.public_key, b"order", signer.sign(b"order"))
    with pytest.raises(InputError, match="must be given the product"):
        signer.seal(NEW)
