"""What a blob costs, before it is uploaded: flash, RAM, stack, MACs, by step."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from relocatable.blob.blob import Blob, Variant
from relocatable.blob.metadata import check_metadata


@dataclass(frozen=True)
class LayerCost:
    """A layer of a step that computes several together, by rows.

    Attributes:
        name: of the tensor that it computes.
        op: the operator.
        macs: multiply-accumulates by the operator's definition.
        output: dtype and shape, and "streamed" if the tensor is never whole in memory.
    """

    name: str
    op: str
    macs: int
    output: str


@dataclass(frozen=True)
class PackedCost:
    """A layer whose filter is stored packed.

    Attributes:
        name: of the tensor that the layer computes.
        saved_bytes: of flash.
        instructions: that unpacking adds to a run, about.
    """

    name: str
    saved_bytes: int
    instructions: int


@dataclass(frozen=True)
class StepCost:
    """One step.

    Attributes:
        name: of the tensor that it computes.
        op: the operator, such as CONV_2D.
        macs: multiply-accumulates by the operator's definition.
        weight_bytes: its constants in flash.
        code_bytes: from its function to the next one in the code; what steps share counts once.
        output: dtype and shape of what it computes, such as "int8 [1, 20, 20, 5]".
        layers: the layers of a step that computes several.
        packed: those whose filters are stored packed.
    """

    name: str
    op: str
    macs: int
    weight_bytes: int
    code_bytes: int
    output: str
    layers: tuple[LayerCost, ...] = ()
    packed: tuple[PackedCost, ...] = ()


@dataclass(frozen=True)
class Report:
    """A blob's cost on one target.

    Attributes:
        name: the model's name.
        target: CPU that the figures hold for.
        flash_bytes: the whole blob, and the object that holds its weights if it does not: what they
            take in the store, before rounding to sectors.
        code_bytes, weight_bytes, metadata_bytes, golden_bytes: parts of it.
        arena_bytes: RAM that the model works in, inputs and outputs included.
        stack_bytes: upper bound of what one step uses.
        macs: of all steps.
        steps: one by one.
        saved_bytes, unpack_instructions: of the filters that are stored packed.
        object_bytes: of the object that holds the weights, which other blobs may share; 0: the blob
            does.
    """

    name: str
    target: str
    flash_bytes: int
    code_bytes: int
    weight_bytes: int
    metadata_bytes: int
    golden_bytes: int
    arena_bytes: int
    stack_bytes: int
    macs: int
    steps: tuple[StepCost, ...]
    saved_bytes: int = 0
    unpack_instructions: int = 0
    object_bytes: int = 0


def report(data: bytes, variant: int = 0) -> Report:
    """Read a blob's cost from its header and metadata.

    Args:
        data: a whole blob.
        variant: which of its programs.

    Raises:
        BlobError: the blob or its metadata is damaged.
    """
    blob = Blob.unpack(data)
    metadata = check_metadata(blob)
    v = blob.variants[variant]
    steps = _step_costs(blob, v)
    golden = blob.golden
    packed = [layer for step in steps for layer in step.packed]
    object_bytes = v.need.size_bytes if v.need else 0
    return Report(
        name=str(metadata["name"]),
        target=str(metadata["targets"][variant]),
        flash_bytes=len(data) + object_bytes,
        code_bytes=len(v.code),
        weight_bytes=v.weight_bytes,
        metadata_bytes=blob.metadata_span[1] + blob.details_bytes,
        golden_bytes=len(golden.inputs) + len(golden.outputs) if golden else 0,
        arena_bytes=v.arena_bytes,
        stack_bytes=v.stack_bytes,
        macs=sum(s.macs for s in steps),
        steps=steps,
        saved_bytes=sum(layer.saved_bytes for layer in packed),
        unpack_instructions=sum(layer.instructions for layer in packed),
        object_bytes=object_bytes,
    )


def _step_costs(blob: Blob, variant: Variant) -> tuple[StepCost, ...]:
    starts = sorted({*variant.steps, len(variant.code)})
    length = {a: b - a for a, b in pairwise(starts)}
    tensors = blob.metadata["tensors"]
    costs = []
    for offset, step in zip(variant.steps, blob.metadata["steps"], strict=True):
        outputs = [f"{t['dtype']} {t['shape']}" for t in (tensors[i] for i in step["outputs"])]
        costs.append(
            StepCost(
                name=step["name"],
                op=step["op"],
                macs=step["macs"],
                weight_bytes=step["weights"],
                code_bytes=length[offset],
                output=", ".join(outputs),
                layers=tuple(_layer_cost(layer) for layer in step.get("layers", ())),
                packed=tuple(
                    PackedCost(packed["name"], packed["saved"], packed["instructions"])
                    for packed in step.get("packed", ())
                ),
            )
        )
    return tuple(costs)


def _layer_cost(layer: dict[str, Any]) -> LayerCost:
    streamed = ", streamed" if layer["output"] is None else ""
    output = f"{layer['dtype']} {layer['shape']}{streamed}"
    return LayerCost(layer["name"], layer["op"], layer["macs"], output)
