"""Keys, seals and orders, written from SPEC-trust and SPEC-manifest alone."""

from __future__ import annotations

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRODUCT = "lamp"


def secret(text: str) -> Ed25519PrivateKey:
    """Return the secret key that is the SHA-256 of a text."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text.encode()).digest())


def public(key: Ed25519PrivateKey) -> bytes:
    """Return the public key of a secret one."""
    return key.public_key().public_bytes_raw()


def key_id(key: Ed25519PrivateKey) -> bytes:
    """Return a key's id."""
    return hashlib.sha256(public(key)).digest()[:4]


OWNER = secret("the owner")
SECOND = secret("the owner's second key")
STRANGER = secret("a stranger")
DEVELOPMENT = secret("xipnet development key")


def seal(
    name: str,
    data: bytes,
    kind: int,
    *,
    key: Ed25519PrivateKey = OWNER,
    product: str = PRODUCT,
    counter: int = 1,
) -> bytes:
    """Return the seal over an object."""
    signed = struct.pack(
        "<8sBBHIIII4x16s40s32s8x",
        b"XPSEAL1\0",
        kind,
        0,
        0,
        counter,
        0,
        len(data),
        int.from_bytes(key_id(key), "little"),
        product.encode(),
        name.encode(),
        hashlib.sha256(data).digest(),
    )
    return signed + key.sign(signed)


def order(
    board: bytes,
    nonce: bytes,
    *,
    key: Ed25519PrivateKey = OWNER,
    magic: bytes = b"XPORDR1\0",
    kind: int = 1,
    reserved: bytes = bytes(3),
    reserved2: bytes = bytes(64),
) -> bytes:
    """Return an order to unlock a board."""
    signed = magic + bytes([kind]) + reserved + key_id(key) + board + nonce + reserved2
    return signed + key.sign(signed)


def is_signed(message: bytes, signature: bytes, key: bytes) -> bool:
    """Tell whether a signature is that of a public key."""
    from cryptography.exceptions import InvalidSignature

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
