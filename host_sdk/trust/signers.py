"""Who signs: a key in a file, or a command that speaks with a hardware module."""

from __future__ import annotations

import os
import shlex
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from host_sdk.display.plain import plain_line
from host_sdk.errors import InputError, SignerError
from host_sdk.store.files import NewObject
from host_sdk.trust.keys import (
    SIGNATURE_BYTES,
    Password,
    key_id,
    read_public_key,
    read_secret_key,
    verify,
)
from host_sdk.trust.seals import unsigned_seal

_COMMAND_S = 120.0  # somebody may have to type a PIN or touch a token
_SHOWN_BYTES = 80


class Signer(ABC):
    """What signs seals and orders; a subclass says how, in `_sign`.

    Args:
        public_key: 32 bytes, by which all that it signs is verified.
        product: of the seals, 1 to 15 printable ASCII characters; None: it signs orders alone.
        counter: security counter of the seals, 0 to 2^32 - 1.
        minimum_firmware: (major, minor, patch) of the seals.
    """

    def __init__(
        self,
        public_key: bytes,
        product: str | None,
        counter: int,
        minimum_firmware: tuple[int, int, int],
    ) -> None:
        self.public_key = public_key
        self._product = product
        self._counter = counter
        self._minimum_firmware = minimum_firmware

    def sign(self, message: bytes) -> bytes:
        """Sign a message, and verify what came out.

        Raises:
            SignerError: it is no signature by the public key.
        """
        signature = self._sign(message)
        if not verify(self.public_key, message, signature):
            raise SignerError(
                f"what was signed does not verify by the public key {self.public_key.hex()} "
                f"(id {key_id(self.public_key).hex()}): another key signed, or something else"
            )
        return signature

    def seal(self, new: NewObject) -> bytes:
        """Seal an object.

        Args:
            new: the object, as the board will store it.

        Raises:
            InputError: its name, the product or the counter cannot be sealed, or the signer was
                given no product.
            SignerError: see `sign`.
        """
        if self._product is None:
            raise InputError("a signer that seals must be given the product; has none")
        seal = unsigned_seal(
            *(new, self.public_key, self._product, self._counter, self._minimum_firmware)
        )
        return replace(seal, signature=self.sign(seal.message)).pack()

    @abstractmethod
    def _sign(self, message: bytes) -> bytes:
        """Sign 128 bytes; return the 64 of the signature."""


class KeyFileSigner(Signer):
    """Sign by a key in a file (`xipnet key new`).

    Args:
        file: the secret key; "development": the one that everybody knows, which a locked board
            refuses.
        password: of the file, or what asks for it; None: what XIPNET_KEY_PASSWORD says.
        product: this and the next two: see `Signer`.

    Raises:
        KeyFileError: it is no such key, or the password is wrong.
        ToolMissingError: `cryptography` is not installed.
    """

    def __init__(
        self,
        file: str | os.PathLike[str],
        *,
        password: Password = None,
        product: str | None = None,
        counter: int = 0,
        minimum_firmware: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        self._key = read_secret_key(file, password)
        public = self._key.public_key().public_bytes_raw()
        super().__init__(public, product, counter, minimum_firmware)

    def _sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class CommandSigner(Signer):
    """Sign by a command, which has the key or knows who has it.

    It gets the 128 bytes on standard input and answers on standard output: the 64 bytes of an
    Ed25519 signature, or their 128 hexadecimal digits. No shell is started. What it writes to
    standard error is seen, and the terminal is there for a PIN.

    Args:
        command: program and arguments; a text is split as a shell does it.
        public_key: by which the answer is verified, see `read_public_key`.
        product: this and the next two: see `Signer`.
        timeout_s: how long it may take.

    Raises:
        InputError: the command is empty.
        KeyFileError: that is no public key.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        public_key: bytes | str | os.PathLike[str],
        *,
        product: str | None = None,
        counter: int = 0,
        minimum_firmware: tuple[int, int, int] = (0, 0, 0),
        timeout_s: float = _COMMAND_S,
    ) -> None:
        super().__init__(read_public_key(public_key), product, counter, minimum_firmware)
        self._command = _split(command)
        self._timeout_s = timeout_s

    def _sign(self, message: bytes) -> bytes:
        program = plain_line(self._command[0])
        try:
            ran = subprocess.run(
                self._command,
                input=message,
                stdout=subprocess.PIPE,
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SignerError(
                f"signer {program} must answer within {self._timeout_s:g} s; did not"
            ) from error
        except OSError as error:
            raise SignerError(f"signer {program} cannot be started: {error.strerror}") from error
        if ran.returncode != 0:
            how = f"by signal {-ran.returncode}" if ran.returncode < 0 else f"{ran.returncode}"
            raise SignerError(f"signer {program} must end with exit code 0; ended with {how}")
        return _read_signature(program, ran.stdout)


def _split(command: str | Sequence[str]) -> list[str]:
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError as error:
        raise InputError(f"signer {plain_line(str(command))}: {error}") from error
    if not words:
        raise InputError("signer must be a command; is empty")
    return words


def _read_signature(program: str, said: bytes) -> bytes:
    if len(said) == SIGNATURE_BYTES:
        return said
    digits = said.strip()
    if len(digits) == 2 * SIGNATURE_BYTES:
        try:
            return bytes.fromhex(digits.decode("ascii"))
        except ValueError:
            pass
    shown = plain_line(repr(said[:_SHOWN_BYTES]))
    raise SignerError(
        f"signer {program} must give {SIGNATURE_BYTES} bytes, or their hexadecimal digits; gave "
        f"{len(said):,} bytes: {shown}"
    )
