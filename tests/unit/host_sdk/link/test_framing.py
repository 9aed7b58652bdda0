from __future__ import annotations

import zlib

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from host_sdk.link.framing import SILENCE_S, Body, Decoder, Text, decode_frame, encode_frame

bodies = st.binary(min_size=1, max_size=700)
texts = st.binary(max_size=40).map(lambda b: b.replace(b"\0", b"."))


def joined(parts: list[Text | Body]) -> list[Text | Body]:
    """Join pieces of text that follow each other."""
    out: list[Text | Body] = []
    for part in parts:
        if isinstance(part, Text) and out and isinstance(out[-1], Text):
            out[-1] = Text(out[-1].data + part.data)
        else:
            out.append(part)
    return out


def test_a_frame_is_cobs_of_body_and_crc_between_zeros() -> None:
    crc = zlib.crc32(b"\x93\x00\x01").to_bytes(4, "little")
    assert encode_frame(b"\x93\x00\x01") == b"\0\0" + cobs.encode(b"\x93\x00\x01" + crc) + b"\0"


@given(bodies)
def test_decode_undoes_encode(body: bytes) -> None:
    frame = encode_frame(body)
    assert b"\0" not in frame[2:-1]
    assert decode_frame(frame[2:-1]) == body


@given(st.lists(st.tuples(texts, bodies), max_size=5), texts, st.integers(1, 50))
def test_text_and_frames_come_apart_however_they_are_cut(
    pairs: list[tuple[bytes, bytes]], tail: bytes, size: int
) -> None:
    stream = b"".join(text + encode_frame(body) for text, body in pairs) + tail
    decoder, parts = Decoder(), []
    for at in range(0, len(stream), size):
        parts += decoder.feed(stream[at : at + size], 0.0)
    expected = [p for text, body in pairs for p in (Text(text), Body(body))] + [Text(tail)]
    assert joined(parts) == joined([p for p in expected if p.data])
    assert decoder.bad_frames == 0


@given(st.binary(max_size=300), bodies, bodies)
def test_any_noise_is_survived_after_at_most_one_frame(
    noise: bytes, first: bytes, second: bytes
) -> None:
    decoder = Decoder()
    decoder.feed(noise, 0.0)
    parts = decoder.feed(encode_frame(first) + encode_frame(second), 0.0)
    assert parts[-1] == Body(second) or Body(second) in parts


# Noise with many delimiters, whole frames and halves of frames.
streams = st.lists(
    st.binary(max_size=20)
    | st.sampled_from([b"\0", b"\0\0"])
    | bodies.map(encode_frame)
    | st.builds(lambda body, n: encode_frame(body)[:n], bodies, st.integers(0, 40))
    | st.builds(lambda body, n: encode_frame(body)[n:], bodies, st.integers(0, 40)),
    max_size=12,
).map(b"".join)


@given(streams, st.lists(st.integers(1, 60), min_size=1))
def test_any_stream_gives_the_same_parts_however_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    whole, cut = Decoder(max_body_bytes=300), Decoder(max_body_bytes=300)
    expected = whole.feed(stream, 0.0)
    parts, at = [], 0
    while at < len(stream):
        n = cuts[at % len(cuts)]
        parts += cut.feed(stream[at : at + n], 0.0)
        at += n
    assert joined(parts) == joined(expected)
    assert cut.bad_frames == whole.bad_frames


@given(streams, st.lists(bodies, min_size=1, max_size=4))
def test_after_any_stream_at_most_one_frame_is_lost(stream: bytes, sent: list[bytes]) -> None:
    decoder = Decoder()
    decoder.feed(stream, 0.0)
    parts = decoder.feed(b"".join(map(encode_frame, sent)), 0.0)
    got = [p.data for p in parts if isinstance(p, Body)]
    later = sent[1:]  # the first may have been taken for the end of a half frame
    assert got[len(got) - len(later) :] == later


@given(st.binary(max_size=300), bodies)
def test_after_silence_the_next_frame_is_whole(noise: bytes, body: bytes) -> None:
    decoder = Decoder()
    decoder.feed(noise, 0.0)
    assert decoder.feed(encode_frame(body), SILENCE_S + 0.1) == [Body(body)]


def test_zeros_between_frames_are_no_errors() -> None:
    decoder = Decoder()
    parts = decoder.feed(b"\0\0\0" + encode_frame(b"a") + b"\0" + encode_frame(b"b"), 0.0)
    assert parts == [Body(b"a"), Body(b"b")]
    assert decoder.bad_frames == 0


@pytest.mark.parametrize("at", range(2, 13))
def test_a_damaged_frame_is_dropped_and_the_next_one_taken(at: int) -> None:
    frame = bytearray(encode_frame(b"abcdef"))
    frame[at] ^= 0x55
    decoder = Decoder()
    parts = decoder.feed(bytes(frame) + encode_frame(b"next"), 0.0)
    assert [p for p in parts if isinstance(p, Body)] == [Body(b"next")]
    assert decoder.bad_frames == 1


@given(bodies, bodies, bodies, st.data())
def test_a_lost_byte_costs_no_more_than_its_frame(
    one: bytes, two: bytes, three: bytes, data: st.DataObject
) -> None:
    frame = encode_frame(two)
    at = data.draw(st.integers(0, len(frame) - 1))
    stream = encode_frame(one) + frame[:at] + frame[at + 1 :] + encode_frame(three)
    parts = Decoder().feed(stream, 0.0)
    assert parts in ([Body(one), Body(three)], [Body(one), Body(two), Body(three)])


def test_a_long_frame_is_dropped_without_being_kept() -> None:
    decoder = Decoder(max_body_bytes=100)
    parts = decoder.feed(b"\0" + b"x" * 10_000, 0.0)
    parts += decoder.feed(b"x" * 10_000 + encode_frame(b"next"), 0.0)
    assert parts == [Body(b"next")]
    assert decoder.bad_frames == 1
    assert decoder.feed(encode_frame(b"x" * 100), 0.0) == [Body(b"x" * 100)]


def test_an_empty_body_is_no_frame() -> None:
    decoder = Decoder()
    assert decoder.feed(encode_frame(b""), 0.0) == []
    assert decoder.bad_frames == 1
