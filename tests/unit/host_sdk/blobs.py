"""Small blobs for the core on this computer: they add 1 to their input."""

from __future__ import annotations

from functools import cache
from typing import Any

from relocatable.blob.blob import Blob, Entry, Golden, Io, Variant, golden_inputs
from relocatable.codegen.toolchain import build_code
from relocatable.targets import find_target, host_family

ADDS = "for (int i = 0; i < SIZE; i++) { c->arena[AT + i] = (unsigned char)(c->arena[i] + 1); }"
SEED = 7


@cache
def steps_code(size: int, *bodies: str) -> tuple[bytes, tuple[int, ...]]:
    """Compile steps with these C bodies, which see SIZE, AT (of the output) and c."""
    text = (
        '#include "blob/include/xn_blob.h"\n' + f"#define SIZE {size}\n#define AT {aligned(size)}\n"
    )
    for i, body in enumerate(bodies):
        text += f"int32_t xn_step_{i}(const xn_ctx *c) {{ (void)c; {body} return 0; }}\n"
    code = build_code(text, find_target("host"), len(bodies), "size")
    return code.code, code.step_offsets


def aligned(size: int) -> int:
    """Return the offset behind so many bytes of the arena."""
    return -(-size // 64) * 64


def make_blob(
    *,
    n: int = 8,
    bodies: tuple[str, ...] = (ADDS, ADDS),
    fill: bytes = b"w",
    weights: bytes | None = None,
    results: tuple[tuple[int, bytes], ...] = (),
    family: int | None = None,
    features: int = 0,
    golden: int | None = 0,
    metadata: dict[str, Any] | None = None,
) -> bytes:
    """Make a model of one int8 input [1, n] whose output is the input + 1.

    Args:
        n: elements.
        bodies: C of its steps.
        fill: 64 times the weights.
        weights: which the steps do not use, instead of `fill`.
        results: (kind, bytes) of entries 1 and up, made by a head each.
        family: of the CPU; None: this computer's.
        features: of the CPU.
        golden: added to each byte of the expected output (0: the right one); None: no vector.
        metadata: instead of `adder_metadata(n)`.
    """
    at, heads = aligned(2 * aligned(n)), []
    for _, raw in results:
        text = ", ".join(map(str, raw))
        heads.append(
            f"static const unsigned char raw[] = {{{text}}}; "
            f"for (unsigned i = 0; i < sizeof raw; i++) {{ c->arena[{at} + i] = raw[i]; }}"
        )
    code, offsets = steps_code(n, *bodies, *heads)
    if family is not None:
        code = b"\x70\x47\0\0" if family == 1 else bytes(4)  # bx lr; nobody runs it
        offsets = (0,) * len(offsets)
    longest = max((len(raw) for _, raw in results), default=0)
    arena = aligned(at + longest)
    used = family if family is not None else host_family()
    level = 70 if used == 1 else 0
    kept = fill * 64 if weights is None else weights
    variant = Variant(used, level, features, code, kept, offsets, arena, 128)
    entries = [Entry(0, len(bodies))]
    entries += [
        Entry(kind, len(bodies), len(bodies) + i, 1, at, len(raw))
        for i, (kind, raw) in enumerate(results)
    ]
    expected = None
    if golden is not None:
        outputs = bytes((b + 1 + golden) & 255 for b in golden_inputs(SEED, n))
        expected = Golden(outputs, SEED)
    described = {"targets": ["cortex-m3"], **(metadata or adder_metadata(n))}
    io = (Io(0, n),), (Io(aligned(n), n),)
    return Blob((variant,), *io, tuple(entries), described, expected).pack()


def adder_metadata(n: int, **more: Any) -> dict[str, Any]:
    """Write metadata: one int8 input and output [1, n], scale 0.5, zero point 3."""
    tensor = {"shape": [1, n], "dtype": "int8", "scale": 0.5, "zero_point": 3}
    steps = [{"name": name, "op": "ADD", "macs": 10, "weights": 0, "outputs": [1]} for name in "ab"]
    return {
        "name": "adds",
        "tool": "test",
        "tensors": [
            {"name": "x", **tensor, "offset": 0},
            {"name": "y", **tensor, "offset": aligned(n)},
        ],
        "inputs": [{"name": "x", **tensor, "tensor": 0}],
        "outputs": [{"name": "y", **tensor, "tensor": 1}],
        "steps": steps,
        **more,
    }
