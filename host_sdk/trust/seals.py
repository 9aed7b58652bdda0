"""Seals: who says that a board may store bytes (docs/SPEC-manifest.md). No I/O."""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass

from host_sdk.display.plain import plain_line
from host_sdk.errors import InputError, SealFileError
from host_sdk.store.files import NewObject
from host_sdk.trust.keys import key_id, verify

SEAL_BYTES = 192
MESSAGE_BYTES = 128  # that are signed
KINDS = {1: "blob", 2: "script", 3: "data", 4: "weights", 5: "firmware", 6: "bundle"}

_MAGIC = b"XPSEAL1\0"
_MESSAGE = struct.Struct("<8sBB2xIII4s4x16s40s32s8x")
_U32_MOST = (1 << 32) - 1
_PRODUCT_CHARACTERS, _NAME_CHARACTERS = 15, 39
_ZEROS = (slice(10, 12), slice(28, 32), slice(120, 128))  # reserved
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})")


@dataclass(frozen=True)
class Seal:
    """A seal over an object.

    Attributes:
        kind: number of the object's type, a key of `KINDS`.
        counter: security counter, 0 to 2^32 - 1: a board refuses what is below its floor.
        minimum_firmware: (major, minor, patch): an older firmware refuses.
        size_bytes: of the object.
        key_id: 4 bytes that name the public key.
        product: that it is for: 1 to 15 printable ASCII characters.
        name: that the store calls it by: 1 to 39 printable ASCII characters.
        sha256: of the object's bytes.
        signature: 64 bytes; empty: it is not signed yet.
    """

    kind: int
    counter: int
    minimum_firmware: tuple[int, int, int]
    size_bytes: int
    key_id: bytes
    product: str
    name: str
    sha256: bytes
    signature: bytes = b""

    @property
    def message(self) -> bytes:
        """The 128 bytes that are signed."""
        major, minor, patch = self.minimum_firmware
        return _MESSAGE.pack(
            *(_MAGIC, self.kind, 0, self.counter, major << 16 | minor << 8 | patch),
            *(self.size_bytes, self.key_id, self.product.encode(), self.name.encode()),
            self.sha256,
        )

    def pack(self) -> bytes:
        """Give the 192 bytes that a board takes."""
        return self.message + self.signature

    def check_subject(self, new: NewObject) -> None:
        """Compare with an object that is to be stored; the signature is not looked at.

        Raises:
            SealFileError: it is over other bytes, another name or another kind.
        """
        if hashlib.sha256(new.data).digest() != self.sha256 or len(new.data) != self.size_bytes:
            raise SealFileError(
                f"the seal of '{self.name}' is over other bytes than those that are to be stored: "
                "sign again"
            )
        if self.name != new.name:
            raise SealFileError(
                f"the seal is for the name '{self.name}'; '{plain_line(new.name)}' is to be stored"
            )
        if self.kind != new.kind:
            raise SealFileError(
                f"the seal of '{self.name}' is for {kind_name(self.kind)}; {kind_name(new.kind)} "
                "is to be stored"
            )

    def is_by(self, public: bytes) -> bool:
        """Say whether it is signed by the secret key of a public one."""
        return self.key_id == key_id(public) and verify(public, self.message, self.signature)


def unsigned_seal(
    new: NewObject,
    public: bytes,
    product: str,
    counter: int = 0,
    minimum_firmware: tuple[int, int, int] = (0, 0, 0),
) -> Seal:
    """Say what is to be signed.

    Args:
        new: the object, as the board will store it.
        public: key that verifies the seal.
        product: 1 to 15 printable ASCII characters.
        counter: 0 to 2^32 - 1.
        minimum_firmware: (major, minor, patch), each 0 to 255, major to 65535.

    Raises:
        InputError: one of them is out of its range, or the store could not have that name.
    """
    check_product(product)
    _check_text("name", new.name, _NAME_CHARACTERS)
    if not 0 <= counter <= _U32_MOST:
        raise InputError(f"counter must be in [0, {_U32_MOST}]; is {counter}")
    major, minor, patch = minimum_firmware
    if not (0 <= major <= 0xFFFF and 0 <= minor <= 0xFF and 0 <= patch <= 0xFF):
        raise InputError(
            f"a firmware's version must be at most 65535.255.255; is {major}.{minor}.{patch}"
        )
    digest = hashlib.sha256(new.data).digest()
    identity = (new.kind, counter, minimum_firmware, len(new.data), key_id(public))
    return Seal(*identity, product, new.name, digest)


def read_seal(data: bytes, place: str = "the seal") -> Seal:
    """Read a seal; its signature is not verified.

    Args:
        data: 192 bytes of anybody.
        place: where they are from, for messages.

    Raises:
        SealFileError: they are no seal of this format.
    """
    if len(data) != SEAL_BYTES:
        raise SealFileError(f"{place}: must have {SEAL_BYTES} bytes; has {len(data)}")
    magic, kind, flags, counter, minimum, size, by, product, name, digest = _MESSAGE.unpack(
        data[:MESSAGE_BYTES]
    )
    if magic != _MAGIC:
        raise SealFileError(f"{place}: must start with {_MAGIC!r}; starts with {magic!r}")
    if flags != 0 or any(any(data[part]) for part in _ZEROS):
        raise SealFileError(f"{place}: flags and reserved bytes must be 0; flags are {flags}")
    return Seal(
        kind=kind,
        counter=counter,
        minimum_firmware=(minimum >> 16, minimum >> 8 & 0xFF, minimum & 0xFF),
        size_bytes=size,
        key_id=by,
        product=_read_text(place, "product", product),
        name=_read_text(place, "name", name),
        sha256=digest,
        signature=data[MESSAGE_BYTES:],
    )


def is_seal(data: bytes) -> bool:
    """Say whether bytes start as a seal does."""
    return data.startswith(_MAGIC)


def read_version(text: str) -> tuple[int, int, int]:
    """Read a firmware's version, such as 1.2.3.

    Raises:
        InputError: it is none.
    """
    match = _VERSION.fullmatch(text)
    if match is None:
        raise InputError(f"a firmware's version must be such as 1.2.3; is {text!r}")
    major, minor, patch = match.groups()
    return int(major), int(minor), int(patch)


def check_product(product: str) -> None:
    """Check a product's name.

    Raises:
        InputError: it is not 1 to 15 printable ASCII characters.
    """
    _check_text("product", product, _PRODUCT_CHARACTERS)


def kind_name(kind: int) -> str:
    """Return the name of an object's type."""
    return KINDS.get(kind, f"type {kind}")


def _read_text(place: str, field: str, data: bytes) -> str:
    text, _, rest = data.partition(b"\0")
    if any(rest) or not text or len(text) == len(data) or not _is_printable(text):
        raise SealFileError(
            f"{place}: '{field}' must be 1 to {len(data) - 1} printable ASCII characters and "
            f"zeros; is {data!r}"
        )
    return text.decode("ascii")


def _check_text(field: str, text: str, most: int) -> None:
    data = text.encode("utf-8", "surrogatepass")
    if not 1 <= len(data) <= most or not _is_printable(data):
        raise InputError(
            f"{field} must be 1 to {most} printable ASCII characters; is '{plain_line(text)}'"
        )


def _is_printable(data: bytes) -> bool:
    return all(0x20 <= byte <= 0x7E for byte in data)
