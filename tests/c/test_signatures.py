"""Ed25519 signatures as RFC 8032 and another library make them; SHA-512."""

from __future__ import annotations

import hashlib
import itertools
import random
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from tests.c.rfc8032 import VECTORS, Vector

pytestmark = pytest.mark.xdist_group("core")

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
# Points whose order divides 8: their y, reduced or not, each with both signs of x.
ORDER_8_Y = (
    0,
    1,
    P - 1,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    P - 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    P,
    P + 1,
)
Ask = Callable[..., bytes]


def operand(value: bytes) -> bytes:
    return struct.pack("<I", len(value)) + value


@pytest.fixture(scope="module")
def ask(lockable: Path) -> Iterator[Ask]:
    """Ask the tool that holds our C: a letter, the reply's length, operands."""
    with subprocess.Popen(
        [lockable / "signature_tool"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        to, replies = process.stdin, process.stdout

        def asked(letter: str, size: int, *operands: bytes) -> bytes:
            to.write(letter.encode() + b"".join(map(operand, operands)))
            to.flush()
            reply = replies.read(size)
            assert len(reply) == size
            return reply

        yield asked
        to.close()
        assert process.wait() == 0


def is_good(ask: Ask, signature: bytes, key: bytes, message: bytes) -> bool:
    return ask("c", 1, signature, key, message) == b"\1"


def others_take(signature: bytes, key: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_vectors_of_rfc_8032(ask: Ask, vector: Vector) -> None:
    assert ask("p", 32, vector.seed) == vector.key
    assert ask("s", 64, vector.seed, vector.message) == vector.signature
    assert is_good(ask, vector.signature, vector.key, vector.message)


def test_a_flipped_bit_of_any_byte_is_refused(ask: Ask) -> None:
    vector = VECTORS[4]
    whole = vector.signature + vector.key + vector.message
    assert len(whole) == 160
    for at in range(8 * len(whole)):
        wrong = bytearray(whole)
        wrong[at // 8] ^= 1 << at % 8
        assert not is_good(ask, bytes(wrong[:64]), bytes(wrong[64:96]), bytes(wrong[96:])), at


def test_a_message_that_is_longer_or_shorter_is_refused(ask: Ask) -> None:
    vector = VECTORS[4]
    for message in (vector.message[:-1], vector.message + b"\0", b""):
        assert not is_good(ask, vector.signature, vector.key, message)


@pytest.mark.parametrize("vector", VECTORS[:3], ids=lambda vector: vector.name)
def test_an_s_that_is_not_reduced_is_refused(ask: Ask, vector: Vector) -> None:
    s = int.from_bytes(vector.signature[32:], "little")
    for more in range(L, 2**256 - s, L):
        again = vector.signature[:32] + (s + more).to_bytes(32, "little")
        assert not is_good(ask, again, vector.key, vector.message)
        assert not others_take(again, vector.key, vector.message)


def scalar(seed: bytes) -> int:
    """Return the secret number of a seed (RFC 8032, section 5.1.5)."""
    trimmed = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return (trimmed & (2**254 - 8)) | 2**254


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L


def sign_with_zero(seed: bytes, key: bytes, message: bytes, r: bytes) -> bytes:
    """Sign with 0 as the secret number of R: then R is the neutral point."""
    s = challenge(r, key, message) * scalar(seed) % L
    return r + s.to_bytes(32, "little")


def test_an_r_that_is_not_reduced_is_refused(ask: Ask) -> None:
    vector = VECTORS[1]
    for y, good in ((1, True), (P + 1, False)):
        r = y.to_bytes(32, "little")
        signature = sign_with_zero(vector.seed, vector.key, vector.message, r)
        assert is_good(ask, signature, vector.key, vector.message) == good
        assert others_take(signature, vector.key, vector.message) == good


@pytest.mark.parametrize("sign_of_x", [0, 1])
@pytest.mark.parametrize("y", ORDER_8_Y)
def test_a_key_of_small_order_signs_nothing(ask: Ask, y: int, sign_of_x: int) -> None:
    key = (y | sign_of_x << 255).to_bytes(32, "little")
    signature = (1).to_bytes(32, "little") + bytes(32)  # R is neutral, S is 0
    for i in range(8):
        assert not is_good(ask, signature, key, bytes([i]))


def test_another_library_makes_and_takes_the_same(ask: Ask) -> None:
    r = random.Random(8)
    for i in range(150):
        seed, message = r.randbytes(32), r.randbytes(r.randrange(2 * i + 1))
        other = Ed25519PrivateKey.from_private_bytes(seed)
        key, signature = other.public_key().public_bytes_raw(), other.sign(message)
        assert ask("p", 32, seed) == key
        assert ask("s", 64, seed, message) == signature
        assert is_good(ask, signature, key, message)
        wrong = r.choice([r.randbytes(64), signature[:32] + r.randbytes(32)])
        assert not is_good(ask, wrong, key, message)


# FIPS 180-4's examples, by NIST: "Examples with Intermediate Values".
EXAMPLES = (
    (
        b"",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ),
    (
        b"abc",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    (
        b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        b"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    ),
    (
        b"a" * 1_000_000,
        "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
        "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    ),
)


@pytest.mark.parametrize(("message", "digest"), EXAMPLES, ids=["empty", "abc", "two", "million"])
def test_the_examples_of_fips_180(ask: Ask, message: bytes, digest: str) -> None:
    assert ask("h", 64, message).hex() == digest


def pieces_of(message: bytes, r: random.Random) -> Sequence[bytes]:
    ends = sorted({0, len(message), *(r.randrange(len(message) + 1) for _ in range(6))})
    return [message[a:b] for a, b in itertools.pairwise(ends)]


def test_a_hash_does_not_depend_on_the_pieces(ask: Ask) -> None:
    r = random.Random(3)
    for size in [*range(300), 1000, 5000]:
        message = r.randbytes(size)
        digest = hashlib.sha512(message).digest()
        assert ask("h", 64, message) == digest
        assert ask("i", 64, *pieces_of(message, r), b"") == digest
