"""The emulated wire: bytes that get corrupted, in a way that repeats."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_sdk import PortClosedError, PortNotFoundError
from host_sdk.link.framing import Body, Decoder, Text, encode_frame
from host_sdk.transports import MemoryTransport
from host_sdk.transports.emulated_line import WireOptions, WireTransport, _Faults, _Line, split_wire

FRAMES = [encode_frame(bytes([n % 251]) * (1 + n % 40)) for n in range(500)]


def through(options: WireOptions, pieces: list[bytes]) -> bytes:
    """Return what arrives at the other end."""
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
    """Return what the host reads of what the other end sends."""
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
    corrupted = through(options, [data])
    flips = sum((a ^ b).bit_count() for a, b in zip(data, corrupted, strict=True))
    assert 600 < flips < 1000
    assert through(options, [data[:777], data[777:]]) == corrupted
    assert through(WireOptions(ber=1e-3, seed=2), [data]) != corrupted
    assert back(options, data) != corrupted  # each direction has faults of its own


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


# ---- Repeatable ----------------------------------------------------------------------------------

STREAM = b"".join(b"text%d" % n + frame for n, frame in enumerate(FRAMES[:60]))
rates = st.sampled_from([0.0, 0.001, 0.1])
cuts = st.lists(st.integers(1, 200), min_size=1, max_size=20)


def passed(options: WireOptions, written: list[int], read: list[int], eager: bool) -> bytes:
    """Return what arrives of STREAM, written and read in pieces of these lengths.

    Args:
        eager: each piece is read before the next is written; else all are written first.
    """
    faults = _Faults(options, "out")
    waiting, arrived = bytearray(), bytearray()

    def drain() -> None:
        n = 0
        while waiting:
            size = read[n % len(read)]
            arrived.extend(faults.after(bytes(waiting[:size]), options.baud))
            del waiting[:size]
            n += 1

    at, n = 0, 0
    while at < len(STREAM):
        size = written[n % len(written)]
        waiting.extend(faults.before(STREAM[at : at + size]))
        at, n = at + size, n + 1
        if eager:
            drain()
    drain()
    return bytes(arrived)


@given(rates, rates, rates, st.sampled_from([0, 100]), st.integers(0, 3), cuts, cuts, st.booleans())
def test_a_seed_corrupts_the_same_bytes_however_they_are_cut(
    ber: float,
    drop: float,
    dup: float,
    limit: int,
    seed: int,
    written: list[int],
    read: list[int],
    eager: bool,
) -> None:
    options = WireOptions(baud=9600, ber=ber, drop=drop, dup=dup, limit=limit, seed=seed)
    whole = [len(STREAM) * 2]
    assert passed(options, written, read, eager) == passed(options, whole, whole, False)


@given(
    st.lists(st.tuples(st.floats(0, 0.02), st.integers(0, 40)), min_size=1, max_size=40),
    st.sampled_from([9600, 115200]),
)
def test_a_byte_arrives_when_it_and_those_before_have_had_their_time(
    steps: list[tuple[float, int]], baud: int
) -> None:
    line = _Line(_Faults(WireOptions(), "out"))
    now_s, free_s, arrived = 0.0, 0.0, 0
    due: list[float] = []
    for pause_s, count in steps:
        now_s += pause_s
        arrived += len(line.take(now_s, baud))
        assert sum(d <= now_s - 1e-9 for d in due) <= arrived <= sum(d <= now_s + 1e-9 for d in due)
        line.put(b"x" * count, now_s)
        for _ in range(count):
            free_s = max(free_s, now_s) + 10 / baud
            due.append(free_s)
    assert arrived + len(line) == len(due)


# ---- Errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (AttributeError("_overlapped_write"), "AttributeError: _overlapped_write"),
        (PortClosedError("pulled out"), "pulled out"),
    ],
)
def test_whatever_fails_on_the_way_is_told_to_those_who_write(
    failure: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(data: bytes) -> None:
        raise failure

    port, _ = MemoryTransport.pair()
    monkeypatch.setattr(port, "write", fail)
    wire = WireTransport(port, WireOptions(baud=1_000_000))
    wire.write(b"x" * 5000)  # more than waits for the line: ends when the sender does
    with pytest.raises(PortClosedError, match=said):
        wire.write(b"x")
    wire.set_baud(9600)
    wire.close()
