"""Ed25519 keys: files of secret ones, public ones in any form, and their ids.

A secret key's file is PEM (PKCS#8), encrypted by a password unless none was wanted; a public one's
is PEM, too (RFC 8410). `cryptography` is imported when a secret key or a signature needs it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from host_sdk.display.plain import plain_line
from host_sdk.errors import KeyFileError, ToolMissingError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PASSWORD_VARIABLE = "XIPNET_KEY_PASSWORD"
DEVELOPMENT = "development"  # the name of a key that everybody knows

KEY_BYTES = 32
KEY_ID_BYTES = 4
SIGNATURE_BYTES = 64

_DEVELOPMENT_SEED = hashlib.sha256(b"xipnet development key").digest()
# Its public key: a policy is checked without `cryptography`, too.
_DEVELOPMENT_PUBLIC = bytes.fromhex(
    "bdb5aee9960674b32f5b1e7693822f0e1044d5c90df8ee17b4f9a7331cb8a768"
)
# Points of small order, without the sign of x: eight times each is the neutral point, and under
# such a key a signature can be had for anything. `cryptography` takes them, a board does not. The
# last two are 0 and 1 as they are written without reduction.
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
_MOST_FILE_BYTES = 1 << 14
_PEM_PUBLIC = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----")
_SPKI_HEAD = bytes.fromhex("302a300506032b6570032100")  # of an Ed25519 key: RFC 8410, section 4

Password: TypeAlias = "str | Callable[[], str] | None"


def key_id(public: bytes) -> bytes:
    """Return the 4 bytes by which seals and orders name a public key."""
    return hashlib.sha256(public).digest()[:KEY_ID_BYTES]


# ---- Secret keys ---------------------------------------------------------------------------------


def new_key(file: Path, password: Password) -> bytes:
    """Make a key and write its file, which only its owner may read, and `FILE.pub`.

    Args:
        file: must not exist.
        password: encrypts it, or what asks for it; None: it is written as it is.

    Returns:
        The public key, 32 bytes.

    Raises:
        KeyFileError: a file is there already, or the password is empty.
        ToolMissingError: `cryptography` is not installed.
    """
    _need_cryptography()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public_file = file.with_name(f"{file.name}.pub")
    for path in (file, public_file):
        if os.path.lexists(path):
            raise KeyFileError(f"{path} exists and is not overwritten")
    given = password() if callable(password) else password
    if given == "":
        raise KeyFileError("the password of a key must have at least 1 character; has 0")
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if given is not None:
        encryption = serialization.BestAvailableEncryption(given.encode())
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    public = key.public_key().public_bytes_raw()
    _write_new(file, pem, 0o600)
    _write_new(public_file, public_pem(public).encode(), 0o644)
    return public


def read_secret_key(file: str | os.PathLike[str], password: Password = None) -> Ed25519PrivateKey:
    """Read a secret key.

    Args:
        file: PEM (PKCS#8); "development": the key that everybody knows.
        password: of the file, or what asks for it, called only if the file is encrypted; None:
            what XIPNET_KEY_PASSWORD says.

    Raises:
        KeyFileError: it cannot be read, is no Ed25519 key, or the password is missing or wrong.
        ToolMissingError: `cryptography` is not installed.
    """
    _need_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if os.fspath(file) == DEVELOPMENT:
        return Ed25519PrivateKey.from_private_bytes(_DEVELOPMENT_SEED)
    pem = _read(Path(file))
    if b"PRIVATE KEY-----" not in pem:
        raise KeyFileError(f"key {file} must be PEM with a secret key (`xipnet key new`); is not")
    given = _password(file, password) if b"ENCRYPTED" in pem else None
    try:
        key = load_pem_private_key(pem, given)
    except Exception as error:  # of many types
        reason = plain_line(str(error) or type(error).__name__)
        if given is not None:
            reason = f"the password is wrong, or the file is damaged ({reason})"
        raise KeyFileError(f"key {file} cannot be read: {reason}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"key {file} must be of Ed25519; is {type(key).__name__}")
    return key


def _password(file: str | os.PathLike[str], password: Password) -> bytes:
    given = password() if callable(password) else password
    if given is None:
        given = os.environ.get(PASSWORD_VARIABLE)
    if given is None:
        raise KeyFileError(f"key {file} is encrypted: its password must be in {PASSWORD_VARIABLE}")
    return given.encode()


def _write_new(file: Path, contents: bytes, mode: int) -> None:
    """Write a file that must not exist; whole, or not at all."""
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise KeyFileError(f"{file} exists and is not overwritten") from error
    except OSError as error:
        raise KeyFileError(f"{file} cannot be written: {error.strerror or error}") from error
    try:
        with os.fdopen(number, "wb") as out:
            out.write(contents)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            file.unlink()
        raise


# ---- Public keys ---------------------------------------------------------------------------------


def read_public_key(source: bytes | str | os.PathLike[str], password: Password = None) -> bytes:
    """Read a public key.

    Args:
        source: its 32 bytes; 64 hexadecimal digits; a file with these, or with PEM; a secret key's
            file; "development".
        password: of a secret key's file, see `read_secret_key`.

    Raises:
        KeyFileError: it is none of these.
    """
    if isinstance(source, bytes):
        if len(source) != KEY_BYTES:
            raise KeyFileError(f"a public key must have {KEY_BYTES} bytes; has {len(source)}")
        return source
    text = os.fspath(source)
    if text == DEVELOPMENT:
        return read_secret_key(text).public_key().public_bytes_raw()
    if (key := _from_hex(text)) is not None:
        return key
    contents = _read(Path(source)).decode("ascii", "replace")
    if (key := _from_hex(contents)) is not None:
        return key
    if _PEM_PUBLIC[0] in contents:
        return _from_pem(text, contents)
    if "PRIVATE KEY-----" in contents:
        return read_secret_key(source, password).public_key().public_bytes_raw()
    raise KeyFileError(f"key {text} must be 64 hexadecimal digits or PEM; is neither")


def public_pem(public: bytes) -> str:
    """Write a public key as PEM, as other programs read it."""
    body = base64.b64encode(_SPKI_HEAD + public).decode()
    return f"{_PEM_PUBLIC[0]}\n{body}\n{_PEM_PUBLIC[1]}\n"


def is_development_key(public: bytes) -> bool:
    """Say whether a public key is the one whose secret everybody knows."""
    return public == _DEVELOPMENT_PUBLIC


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Check a signature (RFC 8032, section 5.1.7), as a board does.

    Raises:
        ToolMissingError: `cryptography` is not installed.
    """
    _need_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if public[:-1] + bytes([public[-1] & 0x7F]) in _SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):  # not signed so, or no key
        return False
    return True


def _from_hex(text: str) -> bytes | None:
    text = text.strip()
    if len(text) != 2 * KEY_BYTES:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _from_pem(place: str, contents: str) -> bytes:
    body = contents.partition(_PEM_PUBLIC[0])[2].partition(_PEM_PUBLIC[1])[0]
    try:
        data = base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error as error:
        raise KeyFileError(f"key {place} is damaged PEM: {error}") from error
    if not data.startswith(_SPKI_HEAD) or len(data) != len(_SPKI_HEAD) + KEY_BYTES:
        raise KeyFileError(f"key {place} must be a public key of Ed25519; is not")
    return data[len(_SPKI_HEAD) :]


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            contents = opened.read(_MOST_FILE_BYTES + 1)
    except OSError as error:
        raise KeyFileError(f"key {file} cannot be read: {error.strerror or error}") from error
    if len(contents) > _MOST_FILE_BYTES:
        raise KeyFileError(f"key {file} must have at most {_MOST_FILE_BYTES:,} bytes; has more")
    return contents


def _need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise ToolMissingError("cryptography", "pip install 'xipnet[sign]'") from error
