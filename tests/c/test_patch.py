"""Compare the core's decoder of patches, under the sanitizers, with the SDK's."""

from __future__ import annotations

import hashlib
import random

import pytest

from host_sdk.store.patch import apply_patch, make_patch
from host_sdk.store.pieces import ZEROS
from tests.c.core_peer import Peer, RefusedError

pytestmark = pytest.mark.xdist_group("core")

E_PARAMS, E_RANGE, E_SESSION = -4, -23, -25
DATA = 3


def put(peer: Peer, name: str, data: bytes) -> int:
    """Bring an object to the board; return its flash offset."""
    begun = peer.call("put_begin", name, DATA, len(data), hashlib.sha256(data).digest())
    for start in range(0, len(data), 2048):
        peer.call("put_data", begun["session"], start, data[start : start + 2048])
    peer.call("put_end", begun["session"])
    at: int = begun["at"]
    return at


def begin(peer: Peer, data: bytes) -> int:
    begun = peer.call("put_begin", "new", DATA, len(data), hashlib.sha256(data).digest())
    session: int = begun["session"]
    return session


def changed(old: bytes, part: float, by_one: bool, seed: int) -> bytes:
    rng = random.Random(seed)
    new = bytearray(old)
    for at in rng.sample(range(len(old)), int(part * len(old))):
        by = rng.choice([-1, 1]) if by_one else rng.randrange(256)
        new[at] = (new[at] + by) % 256
    return bytes(new)


@pytest.mark.parametrize("by_one", [True, False])
@pytest.mark.parametrize("part", [0.0005, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("size", [2048, 2049, 2303])
def test_the_core_makes_what_the_sdk_means(
    peer: Peer, size: int, part: float, by_one: bool
) -> None:
    old = random.Random(1).randbytes(size)
    new = changed(old, part, by_one, size)
    at = put(peer, "old", old)
    session = begin(peer, new)
    peer.call("put_patch", session, 0, at, size, make_patch(old, new))
    assert peer.call("put_end", session)["version"] == 1
    assert peer.call("get", "new", 0, size) == new


def test_zeros_are_patched_in_pieces(peer: Peer) -> None:
    new = changed(bytes(9000), 0.1, True, 7)
    session = begin(peer, new)
    for at in (4096, 0, 8192):
        piece = new[at : at + 4096]
        patch = make_patch(bytes(len(piece)), piece)
        for _ in range(2):  # a repetition changes nothing
            peer.call("put_patch", session, at, ZEROS, len(piece), patch)
    peer.call("put_end", session)
    assert b"".join(peer.call("get", "new", at, 3000) for at in (0, 3000, 6000)) == new


def refused(peer: Peer, *params: object) -> int:
    with pytest.raises(RefusedError) as info:
        peer.call("put_patch", *params)
    return info.value.code


def test_what_is_refused(peer: Peer) -> None:
    old = random.Random(1).randbytes(1024)
    new = changed(old, 0.05, True, 1)
    at = put(peer, "old", old)
    session, patch = begin(peer, new), make_patch(old, new)
    assert refused(peer, session + 1, 0, at, 1024, patch) == E_SESSION
    assert refused(peer, session, 0, 0, 1024, patch) == E_RANGE  # the log
    assert refused(peer, session, 0, at + (1 << 18), 1024, patch) == E_RANGE
    assert refused(peer, session, 256, at, 1024, patch) == E_RANGE
    assert refused(peer, session, 0, at, 1024, b"") == E_PARAMS
    assert refused(peer, session, 0, at, 1024, patch[:-1]) == E_PARAMS
    assert refused(peer, session, 0, at, 1024, patch + b"\0") == E_PARAMS
    assert refused(peer, session, 0, at, 1024, b"\x09" + b"\xff" * 40) == E_PARAMS  # a gap of 511


def test_corrupt_patches_mean_the_same_to_both(peer: Peer) -> None:
    rng = random.Random(3)
    old = rng.randbytes(700)
    at = put(peer, "old", old)
    agreed = 0
    for _ in range(300):
        part = rng.choice([0.03, 1.0])  # all changed: sent as it is, where any bits are right
        patch = bytearray(make_patch(old, changed(old, part, False, 1)))
        for _ in range(rng.choice([1, 1, 3, 30])):
            patch[rng.randrange(len(patch))] ^= 1 << rng.randrange(8)
        session = begin(peer, rng.randbytes(700))
        try:
            new = apply_patch(old, bytes(patch))
        except ValueError:
            assert refused(peer, session, 0, at, 700, bytes(patch)) == E_PARAMS
            continue
        peer.call("put_patch", session, 0, at, 700, bytes(patch))
        agreed += 1
        held = peer.call("held", 0)[-1]
        blocks = peer.call("hashes", held["at"], 700, 256)
        digests = [hashlib.sha256(new[i : i + 256]).digest()[:8] for i in (0, 256, 512)]
        assert blocks == b"".join(digests)
    assert 30 < agreed < 270
