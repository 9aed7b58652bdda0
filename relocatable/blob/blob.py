"""The blob's bytes, format 2.0: pack, unpack, verify (docs/SPEC-blob.md).

data = Blob(...).pack()
blob = Blob.unpack(data)        # every offset and the SHA-256 checked; BlobError otherwise
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from relocatable.blob.deflate import deflate
from relocatable.blob.details import check_unpacked, inflate, join_metadata, split_metadata
from relocatable.errors import BlobError
from relocatable.targets import FAMILIES

MAGIC = 0x424E5058  # "XPNB"
FORMAT = (2, 0)  # written; 1.0 is read too
SECTION_ALIGN = 64
ARENA_ALIGN = 16

# The layouts of include/xn_blob.h, field by field; tests/contract holds the two and the SPEC.
PROLOGUE = struct.Struct("<II32s")  # magic, total_bytes, sha256: the same in every format version
HEADER = struct.Struct("<II32s HHI II IHH II II II III II IIII I")
VARIANT = struct.Struct("<HHI IIII IIII I 20s")
IO = struct.Struct("<II")
ENTRY = struct.Struct("<HH IIIII")
GOLDEN = struct.Struct("<BBH III")
OBJECT = struct.Struct("<32sII")
MOST_OBJECTS = 16

RESULT_TENSORS, RESULT_DETECTIONS, RESULT_CLASSES, RESULT_DESCRIBED = 0, 1, 2, 3
GOLDEN_STORED, GOLDEN_XORSHIFT, GOLDEN_FLOATS = 0, 1, 2
GOLDEN_BYTES, GOLDEN_SHA256 = 0, 1

# The results of heads (xn_blob.h): a count and three reserved words, then the items.
DETECTION_DTYPE = np.dtype(
    [("x0", "<f4"), ("y0", "<f4"), ("x1", "<f4"), ("y1", "<f4"), ("score", "<f4"), ("label", "<i4")]
)
CLASS_DTYPE = np.dtype([("label", "<i4"), ("score", "<f4")])
RESULT_HEADER_BYTES = 16

_MOST_BYTES = 2**31 - 1  # of all inputs, of all outputs, of a result: a reader's counts are int32


@dataclass(frozen=True)
class Need:
    """An object that a blob needs beside itself, by content.

    Attributes:
        sha256: of the object's bytes.
        size_bytes: their number.
    """

    sha256: bytes
    size_bytes: int


@dataclass(frozen=True)
class Variant:
    """The program for one kind of CPU.

    Attributes:
        family: number of one of `relocatable.targets.FAMILIES`.
        level: architecture level within the family; 0 if it has none.
        features: bits that the CPU must have.
        code: flat code, entered at `steps`.
        weights: constants, reached through the context; empty if they are in an object that was not
            given.
        steps: offset of each step's function in the code.
        arena_bytes: RAM the program works in.
        stack_bytes: upper bound of one step's stack.
        need: the object that holds the weights; None: the blob does.
        need_span: (offset, size) of the weights in it; (0, 0) if the blob holds them.
    """

    family: int
    level: int
    features: int
    code: bytes
    weights: bytes
    steps: tuple[int, ...]
    arena_bytes: int
    stack_bytes: int
    need: Need | None = None
    need_span: tuple[int, int] = (0, 0)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights, wherever they are."""
        return self.need_span[1] if self.need is not None else len(self.weights)


@dataclass(frozen=True)
class Io:
    """The place of an input or output in the arena."""

    arena_offset: int
    size_bytes: int


@dataclass(frozen=True)
class Entry:
    """A way to run the blob.

    Steps [0, network_steps) run first, then [head_step, head_step + head_steps).
    """

    result: int
    network_steps: int
    head_step: int = 0
    head_steps: int = 0
    result_offset: int = 0
    result_bytes: int = 0


@dataclass(frozen=True)
class State:
    """What the program keeps from run to run.

    Attributes:
        arena_offset: of its bytes, 16-aligned.
        size_bytes: their number.
        reset_step: first of the steps that set it, after it was cleared.
        reset_steps: their number.
    """

    arena_offset: int
    size_bytes: int
    reset_step: int = 0
    reset_steps: int = 0


@dataclass(frozen=True)
class Golden:
    """The inputs of some runs, and the outputs they must give.

    Attributes:
        outputs: of all runs, one after another; or their SHA-256.
        seed: the inputs are made from it; 0: they are stored.
        inputs: of all runs, one after another.
        runs: of entry 0; the state is reset before the first.
        floats: what is made from the seed is float32 in [0, 1), else bytes.
        hashed: `outputs` is a SHA-256.
    """

    outputs: bytes
    seed: int = 0
    inputs: bytes = b""
    runs: int = 1
    floats: bool = False
    hashed: bool = False


@dataclass(frozen=True)
class Blob:
    """A compiled model, unpacked.

    Attributes:
        variants: programs; a loader takes the first that its CPU can run.
        inputs: one for each input tensor.
        outputs: one for each output tensor.
        entries: entry 0 is the network itself.
        metadata: and the details, see docs/SPEC-blob.md section 7.
        golden: test vector, None if there is none.
        state: None if the program keeps nothing.
        sha256: of everything behind it in the packed form; empty before packing.
        metadata_span: (offset, size) of the metadata in the packed form; (0, 0) before packing.
        details_bytes: of the details in the packed form; 0 before packing.
    """

    variants: tuple[Variant, ...]
    inputs: tuple[Io, ...]
    outputs: tuple[Io, ...]
    entries: tuple[Entry, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    golden: Golden | None = None
    state: State | None = None
    sha256: bytes = b""
    metadata_span: tuple[int, int] = (0, 0)
    details_bytes: int = 0

    @property
    def needs(self) -> tuple[Need, ...]:
        """The objects that the programs need beside the blob, each once."""
        return tuple(dict.fromkeys(v.need for v in self.variants if v.need is not None))

    def pack(self) -> bytes:
        """Return the blob's bytes; equal blobs give equal bytes."""
        out = bytearray(HEADER.size + VARIANT.size * len(self.variants))
        # Weights first: their place does not depend on the code, and a new build of the kernels
        # leaves their blocks as they were.
        weights_at = {}
        for variant in self.variants:
            if variant.need is None and variant.weights not in weights_at:
                weights_at[variant.weights] = _append(out, variant.weights, SECTION_ALIGN)
        code_at = [_append(out, v.code, SECTION_ALIGN) for v in self.variants]
        steps_at = [
            _append(out, struct.pack(f"<{len(v.steps)}I", *v.steps), 4) for v in self.variants
        ]
        ios = (*self.inputs, *self.outputs)
        io_at = _append(out, b"".join(IO.pack(i.arena_offset, i.size_bytes) for i in ios), 4)
        entry_at = _append(out, b"".join(_pack_entry(e) for e in self.entries), 4)
        needs = self.needs
        objects = b"".join(OBJECT.pack(n.sha256, n.size_bytes, 0) for n in needs)
        objects_at = _append(out, objects, 4) if needs else 0
        plain, details = split_metadata(self.metadata)
        metadata_at = _append(out, plain, 4)
        packed = deflate(details)
        details_at = _append(out, packed, 4) if details else 0
        golden = _pack_golden(self.golden)
        golden_at = _append(out, golden, SECTION_ALIGN) if golden else 0
        _append(out, b"", SECTION_ALIGN)

        for i, v in enumerate(self.variants):
            number = 0 if v.need is None else 1 + needs.index(v.need)
            span = (weights_at[v.weights], len(v.weights)) if v.need is None else v.need_span
            VARIANT.pack_into(
                *(out, HEADER.size + i * VARIANT.size, v.family, v.level, v.features),
                *(code_at[i], len(v.code), *span),
                *(steps_at[i], len(v.steps), v.arena_bytes, v.stack_bytes, number, bytes(20)),
            )
        state = self.state or State(0, 0)
        HEADER.pack_into(
            *(out, 0, MAGIC, len(out), bytes(32), *FORMAT, 0),
            *(HEADER.size, len(self.variants), io_at, len(self.inputs), len(self.outputs)),
            *(entry_at, len(self.entries), metadata_at, len(plain), golden_at, len(golden)),
            *(details_at, len(packed) if details else 0, len(details)),
            *(objects_at, len(needs)),
            *(state.arena_offset, state.size_bytes, state.reset_step, state.reset_steps, 0),
        )
        digest = hashlib.sha256(memoryview(out)[PROLOGUE.size :]).digest()
        PROLOGUE.pack_into(out, 0, MAGIC, len(out), digest)
        return bytes(out)

    @staticmethod
    def unpack(data: bytes) -> Blob:
        """Read and verify a blob.

        Args:
            data: the whole blob; bytes behind its stated end are not its own.

        Raises:
            BlobError: names the rule that is broken and the value seen.
        """
        return _unpack(data)


def is_blob(data: bytes) -> bool:
    """Tell whether the bytes start as a blob does (nothing else is checked)."""
    return data[:4] == struct.pack("<I", MAGIC)


def _append(out: bytearray, data: bytes, align: int) -> int:
    out.extend(bytes(-len(out) % align))
    at = len(out)
    out.extend(data)
    return at


def _pack_entry(e: Entry) -> bytes:
    return ENTRY.pack(
        e.result, 0, e.network_steps, e.head_step, e.head_steps, e.result_offset, e.result_bytes
    )


def _pack_golden(golden: Golden | None) -> bytes:
    if golden is None:
        return b""
    made = GOLDEN_FLOATS if golden.floats else GOLDEN_XORSHIFT
    kind = made if golden.seed else GOLDEN_STORED
    return (
        GOLDEN.pack(
            *(kind, GOLDEN_SHA256 if golden.hashed else GOLDEN_BYTES),
            *(golden.runs if golden.runs > 1 else 0, golden.seed),
            *(len(golden.inputs), len(golden.outputs)),
        )
        + golden.inputs
        + golden.outputs
    )


def _span(data: bytes, what: str, offset: int, size: int, align: int = 1) -> bytes:
    """Return the bytes of a section behind the header; check its bounds."""
    if offset % align:
        raise BlobError(f"{what}: offset must be a multiple of {align}; is {offset}")
    if offset < HEADER.size or offset > len(data) or size > len(data) - offset:
        raise BlobError(
            f"{what}: must lie in [{HEADER.size}, {len(data)}); is {size} bytes at {offset}"
        )
    return data[offset : offset + size]


def _check(ok: bool, rule: str, seen: object) -> None:
    if not ok:
        raise BlobError(f"{rule}; is {seen}")


def _unpack(data: bytes) -> Blob:
    _check(len(data) >= HEADER.size, f"blob must have at least {HEADER.size} bytes", len(data))
    magic, total, digest = PROLOGUE.unpack_from(data)
    _check(magic == MAGIC, "blob must start with 'XPNB'", repr(data[:4]))
    (_, _, _, major, minor, flags, variant_at, variant_count, io_at, in_count, out_count) = (
        HEADER.unpack_from(data)[:11]
    )
    (entry_at, entry_count, meta_at, meta_bytes, golden_at, golden_bytes, *more) = (
        HEADER.unpack_from(data)[11:]
    )
    seen = f"{major}.{minor}"
    readable = major in (1, FORMAT[0]) and minor <= FORMAT[1]
    _check(readable, f"blob format must be {FORMAT[0]}.{FORMAT[1]} or 1.0", seen)
    _check(flags == 0, "header flags must be 0", flags)
    _check(major > 1 or not any(more), "header's bytes [88, 128) of format 1.0 must be 0", more)
    details_at, details_bytes, details_unpacked, object_at, object_count = more[:5]
    _check(more[-1] == 0, "header's reserved field must be 0", more[-1])
    _check(total <= len(data), f"blob must have the {total} bytes its header states", len(data))
    rule = f"blob's bytes must be a multiple of {SECTION_ALIGN}, from {HEADER.size} on"
    _check(total >= HEADER.size and total % SECTION_ALIGN == 0, rule, total)
    data = data[:total]
    actual = hashlib.sha256(memoryview(data)[PROLOGUE.size :]).digest()
    _check(actual == digest, f"blob's SHA-256 must be {digest.hex()}", actual.hex())
    _check(variant_count >= 1, "blob must have at least 1 variant", variant_count)
    _check(
        in_count >= 1 and out_count >= 1, "blob must have inputs and outputs", (in_count, out_count)
    )
    _check(entry_count >= 1, "blob must have at least 1 entry", entry_count)

    # In the order of the board's loader: both name the same rule of several that are broken.
    variant_table = _span(data, "variants", variant_at, variant_count * VARIANT.size, 4)
    io_table = _span(data, "inputs and outputs", io_at, (in_count + out_count) * IO.size, 4)
    entry_table = _span(data, "entries", entry_at, entry_count * ENTRY.size, 4)
    plain = _span(data, "metadata", meta_at, meta_bytes)
    packed = b""
    if details_at or details_bytes or details_unpacked:
        check_unpacked(details_unpacked)
        packed = _span(data, "details", details_at, details_bytes)

    needs = _unpack_needs(data, object_at, object_count)
    variants = tuple(_unpack_variant(data, needs, *v) for v in VARIANT.iter_unpack(variant_table))
    arena = min(v.arena_bytes for v in variants)
    steps = min(len(v.steps) for v in variants)

    ios = tuple(Io(*io) for io in IO.iter_unpack(io_table))
    for i, io in enumerate(ios):
        _check_arena(f"input or output {i}", io.arena_offset, io.size_bytes, arena)
    in_bytes = sum(io.size_bytes for io in ios[:in_count])
    out_bytes = sum(io.size_bytes for io in ios[in_count:])
    _check(
        max(in_bytes, out_bytes) <= _MOST_BYTES,
        f"inputs, and outputs, must have at most {_MOST_BYTES} bytes",
        (in_bytes, out_bytes),
    )

    entries = tuple(
        _unpack_entry(f"entry {i}", e, steps, arena)
        for i, e in enumerate(ENTRY.iter_unpack(entry_table))
    )

    state = _unpack_state(State(*more[5:9]), steps, arena)
    golden = None
    if golden_at or golden_bytes:
        section = _span(data, "golden vector", golden_at, golden_bytes, SECTION_ALIGN)
        golden = _unpack_golden(section, in_bytes, out_bytes)
    details = inflate(packed, details_unpacked) if details_unpacked else b""
    return Blob(
        variants=variants,
        inputs=ios[:in_count],
        outputs=ios[in_count:],
        entries=entries,
        metadata=join_metadata(plain, details),
        golden=golden,
        state=state,
        sha256=digest,
        metadata_span=(meta_at, meta_bytes),
        details_bytes=details_bytes,
    )


def _check_arena(what: str, offset: int, size: int, arena: int) -> None:
    ok = offset % ARENA_ALIGN == 0 and offset <= arena and size <= arena - offset
    _check(
        ok,
        f"{what}: must lie 16-aligned in the arena of {arena} bytes",
        f"{size} bytes at {offset}",
    )


def _unpack_entry(what: str, fields: tuple[int, ...], steps: int, arena: int) -> Entry:
    _check(fields[1] == 0, f"{what}: reserved field must be 0", fields[1])
    e = Entry(*(fields[:1] + fields[2:]))
    in_program = e.network_steps <= steps and e.head_step <= steps
    in_program = in_program and e.head_steps <= steps - e.head_step
    _check(in_program, f"{what}: steps must lie in [0, {steps}]", e)
    _check_arena(f"{what}: result", e.result_offset, e.result_bytes, arena)
    _check(
        e.result_bytes <= _MOST_BYTES,
        f"{what}: result must have at most {_MOST_BYTES} bytes",
        e.result_bytes,
    )
    if e.result == RESULT_TENSORS:
        place = (e.result_offset, e.result_bytes)
        _check(place == (0, 0), f"{what}: result 0 must have neither offset nor bytes", place)
    return e


def _unpack_state(state: State, steps: int, arena: int) -> State | None:
    _check_arena("state", state.arena_offset, state.size_bytes, arena)
    in_program = state.reset_step <= steps and state.reset_steps <= steps - state.reset_step
    _check(in_program, f"reset's steps must lie in [0, {steps}]", state)
    return state if state.size_bytes else None


def _unpack_needs(data: bytes, offset: int, count: int) -> list[Need]:
    if not (offset or count):
        return []
    _check(1 <= count <= MOST_OBJECTS, f"objects must be 1 to {MOST_OBJECTS}", count)
    needs = []
    for i, fields in enumerate(OBJECT.iter_unpack(_span(data, "objects", offset, count * 40, 4))):
        sha256, size_bytes, reserved = fields
        _check(size_bytes >= 1, f"object {i}: must have at least 1 byte", size_bytes)
        _check(reserved == 0, f"object {i}: reserved field must be 0", reserved)
        needs.append(Need(sha256, size_bytes))
    return needs


def _unpack_weights(
    data: bytes, needs: list[Need], number: int, offset: int, size: int
) -> tuple[bytes, Need | None, tuple[int, int]]:
    if number == 0:
        return _span(data, "weights", offset, size, SECTION_ALIGN), None, (0, 0)
    _check(number <= len(needs), f"variant's object must be at most {len(needs)}", number)
    need = needs[number - 1]
    within = offset <= need.size_bytes and size <= need.size_bytes - offset
    _check(
        within and offset % SECTION_ALIGN == 0,
        f"weights must lie {SECTION_ALIGN}-aligned in their object of {need.size_bytes} bytes",
        f"{size} bytes at {offset}",
    )
    return b"", need, (offset, size)


def _unpack_variant(data: bytes, needs: list[Need], *fields: Any) -> Variant:
    family, level, features, code_at, code_bytes, weights_at, weights_bytes = fields[:7]
    step_at, step_count, arena_bytes, stack_bytes, number, reserved = fields[7:]
    code = _span(data, "code", code_at, code_bytes, SECTION_ALIGN)
    _check(code_bytes > 0 and code_bytes % 4 == 0, "code's bytes must be 4, 8, 12, ..", code_bytes)
    weights, need, span = _unpack_weights(data, needs, number, weights_at, weights_bytes)
    _check(not any(reserved), "variant's reserved bytes must be 0", reserved.hex())
    _check(step_count >= 1, "variant must have at least 1 step", step_count)
    steps = _span(data, "steps", step_at, step_count * 4, 4)
    offsets = struct.unpack(f"<{step_count}I", steps)
    known = FAMILIES.get(family)
    align = known.step_align if known else 1
    for i, offset in enumerate(offsets):
        _check(offset < code_bytes, f"step {i}: must lie in the code of {code_bytes} bytes", offset)
        _check(offset % align == 0, f"step {i}: must be a multiple of {align}", offset)
    _check(
        arena_bytes % ARENA_ALIGN == 0, f"arena must be a multiple of {ARENA_ALIGN}", arena_bytes
    )
    refused = known.scan(code, offsets) if known and known.scan else ""
    _check(not refused, "code must hold only instructions and branches of kernels", refused)
    return Variant(
        family=family,
        level=level,
        features=features,
        code=code,
        weights=weights,
        steps=offsets,
        arena_bytes=arena_bytes,
        stack_bytes=stack_bytes,
        need=need,
        need_span=span,
    )


def _unpack_golden(data: bytes, in_bytes: int, out_bytes: int) -> Golden:
    _check(len(data) >= GOLDEN.size, f"golden vector must have {GOLDEN.size} bytes", len(data))
    kind, output_kind, runs, seed, stored, expected = GOLDEN.unpack_from(data)
    runs = max(runs, 1)
    _check(kind <= GOLDEN_FLOATS, "golden input kind must be 0 to 2", kind)
    _check(output_kind <= GOLDEN_SHA256, "golden output kind must be 0 or 1", output_kind)
    _check((kind != 0) == (seed != 0), "golden seed must be 0 just for kind 0", seed)
    floats, hashed = kind == GOLDEN_FLOATS, output_kind == GOLDEN_SHA256
    _check(not floats or in_bytes % 4 == 0, "inputs of floats must be whole words", in_bytes)
    in_bytes = 0 if seed else in_bytes * runs
    _check(stored == in_bytes, f"golden inputs must have {in_bytes} bytes", stored)
    out_bytes = hashlib.sha256().digest_size if hashed else out_bytes * runs
    _check(expected == out_bytes, f"golden outputs must have {out_bytes} bytes", expected)
    _check(
        len(data) == GOLDEN.size + stored + expected,
        "golden vector must fill its section",
        len(data),
    )
    body = data[GOLDEN.size :]
    return Golden(body[stored:], seed, body[:stored], runs, floats, hashed)


# ---- Made inputs ---------------------------------------------------------------------------------


def golden_inputs(seed: int, size_bytes: int, floats: bool = False) -> bytes:
    """Make the inputs of a seed: xorshift32 (Marsaglia 2003).

    Args:
        seed: in [1, 2**32).
        size_bytes: of all inputs of all runs together.
        floats: make float32 in [0, 1) of the states' top 24 bits; else bytes of the top 8.
    """
    states = _states(seed, size_bytes // 4 if floats else size_bytes)
    if floats:
        return b"".join(
            ((part >> 8) / np.float32(2**24)).astype("<f4").tobytes() for part in states
        )
    return b"".join((part >> 24).astype(np.uint8).tobytes() for part in states)


_BLOCK = 1 << 14  # states that are computed together
_Words = npt.NDArray[np.uint32]


def _states(seed: int, count: int) -> Iterator[_Words]:
    """Yield xorshift32's states in blocks.

    A step is linear over bits: any number of steps together is four lookups.
    """
    block = np.array([_next_state(seed)], np.uint32)
    columns = np.array([_next_state(1 << bit) for bit in range(32)], np.uint32)
    while len(block) < min(count, _BLOCK):
        tables = _byte_tables(columns)
        block, columns = np.append(block, _leap(tables, block)), _leap(tables, columns)
    tables = _byte_tables(columns)
    for done in range(0, count, len(block)):
        yield block[: count - done]
        block = _leap(tables, block)


def _next_state(x: int) -> int:
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    return x ^ (x << 5) & 0xFFFFFFFF


def _byte_tables(columns: _Words) -> _Words:
    """Tabulate a linear map, given by its bits' columns, by bytes: [4, 256]."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    tables: _Words = np.bitwise_xor.reduce(bits * columns.reshape(4, 1, 8), axis=2)
    return tables.astype(np.uint32)


def _leap(tables: _Words, states: _Words) -> _Words:
    low: _Words = tables[0, states & 255] ^ tables[1, (states >> 8) & 255]
    high: _Words = tables[2, (states >> 16) & 255] ^ tables[3, states >> 24]
    return low ^ high
