"""The size of a blob before it is compiled: all but its code is known."""

from __future__ import annotations

from dataclasses import replace

from relocatable.blob.blob import Blob, Golden, Variant
from relocatable.codegen.emit_c import pack_weights
from relocatable.compile import (
    GOLDEN_BYTES,
    GOLDEN_RUNS,
    Network,
    Optimize,
    Program,
    final_calls,
    join_blob,
)
from relocatable.graph.graph import Graph
from relocatable.limits import count_kernels
from relocatable.steps.kernel_call import count_steps

# Bytes of code of a kernel's call and of a head: what the models and the networks of NETWORKS.md
# took on Cortex-M0+, M4 and M55 was from 147 to 3,278, and up to 29,056 of a head.
_KERNEL = (100, 4_000)
_HEAD = (400, 32_000)


def estimate_flash(
    network: Network, program: Program, optimize: Optimize = "speed"
) -> tuple[int, int]:
    """Find the fewest and the most bytes that a program's blob should have.

    Args:
        network: as read.
        program: as planned.
        optimize: how it would be compiled.

    Returns:
        Bytes of the whole blob, with a golden vector: what it takes in a store, before rounding
        to sectors.
    """
    golden = _golden(network.graph)
    blobs = (_blob_with(program, optimize, which) for which in (0, 1))
    least, most = (len(replace(blob, golden=golden).pack()) for blob in blobs)
    return least, most


def _blob_with(program: Program, optimize: Optimize, which: int) -> Blob:
    """Make the blob with zeros for the code, and without a golden vector."""
    variants = []
    heads = int(program.head is not None)
    for target, planned in zip(program.targets, program.calls, strict=True):
        calls = final_calls(planned, optimize)
        code_bytes = _KERNEL[which] * (count_kernels(calls) - heads) + _HEAD[which] * heads
        variants.append(
            Variant(
                family=target.family.number,
                level=target.level,
                features=target.feature_bits,
                code=bytes(code_bytes),
                weights=pack_weights(program.graph, calls)[0],
                steps=(0,) * count_steps(calls),
                arena_bytes=program.plan.arena_bytes,
                stack_bytes=0,
            )
        )
    return join_blob(program.graph.name, program, variants)


def _golden(graph: Graph) -> Golden:
    runs = GOLDEN_RUNS if graph.states else 1
    output_bytes = runs * sum(graph.tensors[i].size_bytes for i in graph.outputs)
    hashed = output_bytes > GOLDEN_BYTES
    expected = bytes(32 if hashed else output_bytes)
    floats = [graph.tensors[i].dtype == "float32" for i in graph.inputs]
    if any(floats) and not all(floats):
        stored = bytes(runs * sum(graph.tensors[i].size_bytes for i in graph.inputs))
        return Golden(expected, inputs=stored, runs=runs, hashed=hashed)
    return Golden(expected, 1, runs=runs, floats=all(floats), hashed=hashed)
