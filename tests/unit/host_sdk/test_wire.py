"""The emulated wire: bytes that are spoiled, in a way that repeats."""

from __future__ import annotations

import time

import pytest

from host_sdk import PortNotFoundError
from host_sdk.framing import Body, Decoder, Text, encode_frame
from host_sdk.transports import MemoryTransport
from host_sdk.transports.wire import WireOptions, WireTransport, split_wire

FRAMES = [encode_frame(bytes([n % 251]) * (1 + n % 40)) for n in range(500)]


def through(options: WireOptions, pieces: list[bytes]) -> bytes:
    """What arrives at the other end."""
    inner, far = MemoryTransport.pair()
    wire = WireTransport(inner, options)
    for piece in pieces:
        wire.write(piece)
    wire.set_baud(options.baud)  # waits until all has left
    arrived = bytearray()
    while more := far.read(0.05):
        arrived += more
    wire.close()
    return bytes(arrived)


def back(options: WireOptions, data: bytes) -> bytes:
    """What the host reads of what the other end sends."""
    inner, far = MemoryTransport.pair()
    wire = WireTransport(inner, options)
    far.write(data)
    arrived = bytearray()
    while more := wire.read(0.05):
        arrived += more
    wire.close()
    return bytes(arrived)


def bodies(data: bytes) -> list[bytes]:
    parts = Decoder().feed(data, 0.0)
    return [p.data for p in parts if isinstance(p, Body)]


def test_urls() -> None:
    assert split_wire("sim://cortex-m55?flash=/a b") == ("sim://cortex-m55?flash=/a b", None)
    url, options = split_wire("sim://cortex-m55?flash=~/a/b.img&baud=115200&ber=1e-5&seed=3")
    assert url == "sim://cortex-m55?flash=~/a/b.img"
    assert options == WireOptions(baud=115200, ber=1e-5, seed=3)
    for bad in ("baud=x", "ber=2", "drop=1", "baud=-1"):
        with pytest.raises(PortNotFoundError, match=bad.split("=")[0] + "|invalid literal"):
            split_wire(f"sim://cortex-m55?{bad}")


def test_a_clean_wire_changes_nothing() -> None:
    data = b"text\0" + b"".join(FRAMES) + b"more text"
    assert through(WireOptions(), [data]) == data
    assert back(WireOptions(baud=10_000_000), data) == data


def test_bit_errors_come_at_their_rate_and_repeat() -> None:
    data = bytes(range(1, 251)) * 400
    options = WireOptions(ber=1e-3)
    spoiled = through(options, [data])
    flips = sum((a ^ b).bit_count() for a, b in zip(data, spoiled, strict=True))
    assert 600 < flips < 1000
    assert through(options, [data[:777], data[777:]]) == spoiled
    assert through(WireOptions(ber=1e-3, seed=2), [data]) != spoiled
    assert back(options, data) != spoiled  # each direction has faults of its own


@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_frames_vanish_and_text_stays(cut: int) -> None:
    stream = b"".join(b"text%d" % n + frame for n, frame in enumerate(FRAMES))
    pieces = [stream[i : i + cut] for i in range(0, len(stream), cut)]
    arrived = through(WireOptions(drop=0.1), pieces)
    got = bodies(arrived)
    assert 420 < len(got) < 480
    assert bodies(through(WireOptions(drop=0.1), [stream])) == got
    text = b"".join(p.data for p in Decoder().feed(arrived, 0.0) if isinstance(p, Text))
    assert text == b"".join(b"text%d" % n for n in range(500))


def test_frames_come_twice() -> None:
    got = bodies(through(WireOptions(dup=0.1), FRAMES))
    assert 520 < len(got) < 580
    assert sorted(set(got)) == sorted({bodies(f)[0] for f in FRAMES})


def test_bytes_take_their_time_and_a_write_waits_for_the_line() -> None:
    start = time.monotonic()
    assert through(WireOptions(baud=100_000), [b"x" * 3000]) == b"x" * 3000
    assert time.monotonic() - start >= 0.3  # never sooner: 3,000 bytes of 10 bits


def test_beyond_its_limit_a_wire_garbles_all() -> None:
    assert through(WireOptions(baud=10_000, limit=10_000), [b"abc"]) == b"abc"
    garbled = through(WireOptions(baud=1_000_000, limit=10_000), [b"abc" * 100])
    assert len(garbled) == 300
    assert garbled != b"abc" * 100
