"""Write a blob's metadata and check any blob's (docs/SPEC-blob.md section 7).

A blob may come from another compiler, so its metadata is checked before anything is
looked up in it or shown. The keys that the firmware reads are in include/xn_metadata_keys.h.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate, count, pairwise
from typing import TYPE_CHECKING, Any
from unicodedata import category

import numpy as np

from relocatable.blob.blob import Blob, Io
from relocatable.blob.record import (
    FIELD_DTYPES,
    KNOWN_RECORDS,
    ROLES,
    Record,
    RecordField,
)
from relocatable.errors import BlobError
from relocatable.graph.graph import DTYPES, Graph

if TYPE_CHECKING:
    from relocatable.steps.kernel_call import KernelCall, RowPipeline

# ---- Writing -------------------------------------------------------------------------------------


def write_metadata(
    name: str,
    targets: Sequence[str],
    graph: Graph,
    offsets: Mapping[int, int],
    calls: Sequence[KernelCall],
    head: Mapping[str, Any],
    records: Sequence[Record | None],
) -> dict[str, Any]:
    """Describe a model.

    Args:
        name: of the model.
        targets: name of each variant's target.
        graph: the lowered network, the head's result added.
        offsets: places of its tensors in the arena, for those that have one.
        calls: the steps, as on the first target.
        head: what the head adds.
        records: of each entry; None if its result's number says how it is read.
    """
    from importlib import metadata as packages  # slow to import, and readers need none of it

    placed = sorted(offsets)
    index = {tensor: i for i, tensor in enumerate(placed)}
    metadata = {
        "name": name,
        "tool": f"xipnet {packages.version('xipnet')}",
        "targets": list(targets),
        "tensors": [{**_write_values(graph, i), "offset": offsets[i]} for i in placed],
        "inputs": _write_ports(graph, graph.inputs, graph.input_names, index),
        "outputs": _write_ports(graph, graph.outputs, graph.output_names, index),
        "steps": [step for call in calls for step in _write_steps(graph, index, call)],
        **head,
    }
    if any(records):
        metadata["results"] = [record and _write_record(record) for record in records]
    return metadata


def _write_steps(graph: Graph, index: Mapping[int, int], call: KernelCall) -> list[dict[str, Any]]:
    """Describe a call's steps; a long pipeline's last one has all it computes."""
    last = _write_step(graph, index, call)
    if call.pipeline is None or call.steps == 1:
        return [last]
    steps = [{**last, "weights": 0, "outputs": []} for _ in range(call.steps - 1)]
    for step in steps:
        step.pop("layers", None)
        step.pop("packed", None)
    steps.append(last)
    by_step = _step_macs(graph, call.pipeline)
    for number, (step, macs) in enumerate(zip(steps, by_step, strict=True)):
        step |= {"name": f"{step['name']} ({number + 1} of {call.steps})", "macs": macs}
    return steps


def _step_macs(graph: Graph, pipeline: RowPipeline) -> list[int]:
    rows = [graph.tensors[part.outputs[0]].shape[1] for part in pipeline.parts]
    macs = [pipeline.parts[t.part].macs * t.rows // rows[t.part] for t in pipeline.tasks]
    ends = [0, *accumulate(pipeline.step_tasks)]
    return [sum(macs[start:end]) for start, end in pairwise(ends)]


def _write_step(graph: Graph, index: Mapping[int, int], call: KernelCall) -> dict[str, Any]:
    parts = call.pipeline.parts if call.pipeline else (call,)
    step: dict[str, Any] = {
        "name": _first_name(call.name),
        "op": call.kind,
        "macs": call.macs,
        "weights": sum(_weight_bytes(part) for part in parts),
        "outputs": [index[i] for i in call.outputs],
    }
    if len(parts) > 1:
        step["layers"] = [
            {
                **_write_values(graph, part.outputs[0]),
                "op": part.kind,
                "macs": part.macs,
                "output": index.get(part.outputs[0]),
            }
            for part in parts
        ]
    tasks = [task.part for task in call.pipeline.tasks] if call.pipeline else [0]
    packed = [
        {
            "name": _first_name(graph.tensors[part.outputs[0]].name),
            "saved": part.packed.saved_bytes,
            "instructions": part.packed.per_call * tasks.count(i) + part.packed.per_run,
        }
        for i, part in enumerate(parts)
        if part.packed
    ]
    return {**step, "packed": packed} if packed else step


def _weight_bytes(call: KernelCall) -> int:
    called = sum(_weight_bytes(inner) for graph in call.called for inner in graph.calls)
    return sum(weights.nbytes for weights in call.weights.values()) + called


def _write_ports(
    graph: Graph, tensors: Sequence[int], names: Sequence[str], index: Mapping[int, int]
) -> list[dict[str, Any]]:
    """Describe inputs or outputs; number a name that is there already."""
    ports = [{**_write_values(graph, i), "tensor": index[i]} for i in tensors]
    for port, told in zip(ports, names, strict=False):
        port["name"] = told or port["name"]
    taken: set[str] = set()
    for port in ports:
        name = str(port["name"])
        others = (f"{name}_{number}" for number in count(2))
        port["name"] = name if name not in taken else next(n for n in others if n not in taken)
        taken.add(str(port["name"]))
    return ports


def _write_values(graph: Graph, i: int) -> dict[str, Any]:
    tensor = graph.tensors[i]
    quant = tensor.quant
    return {
        "name": _first_name(tensor.name),
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "scale": quant.scale[0] if quant else None,
        "zero_point": quant.zero_point[0] if quant else None,
    }


def _write_record(record: Record) -> dict[str, Any]:
    return {
        "item_bytes": record.item_bytes,
        "fields": [
            {
                "name": field.name,
                "dtype": field.dtype,
                "offset": field.offset,
                "count": field.count,
                "role": field.role,
            }
            for field in record.fields
        ],
    }


def _first_name(name: str) -> str:
    """Return the first of the names that a converter joined by ';' as it fused layers."""
    return name.split(";")[0]


# ---- Reading -------------------------------------------------------------------------------------


def check_metadata(blob: Blob) -> dict[str, Any]:
    """Check that the values have their types, and that indices and sizes fit.

    Raises:
        BlobError: names the key, the rule and the value.
    """
    m = blob.metadata
    for key in ("name", "tool"):
        _text(key, m.get(key))
    for target in _list("targets", m.get("targets"), len(blob.variants)):
        _text("targets", target)
    arena = min(v.arena_bytes for v in blob.variants)
    tensors = _list("tensors", m.get("tensors"))
    for i, tensor in enumerate(tensors):
        _tensor(f"tensors[{i}]", tensor, arena)
    _ports("inputs", m.get("inputs"), len(tensors), blob.inputs)
    _ports("outputs", m.get("outputs"), len(tensors), blob.outputs)
    steps = _list("steps", m.get("steps"))
    _rule(
        all(len(v.steps) == len(steps) for v in blob.variants),
        f"steps must be one for each of {len(blob.variants[0].steps)} steps",
        len(steps),
    )
    for i, step in enumerate(steps):
        _step(f"steps[{i}]", step, len(tensors))
    for label in _list("labels", m.get("labels", [])):
        _text("labels", label)
    if "results" in m:
        for i, described in enumerate(_list("results", m["results"], len(blob.entries))):
            read_record(f"results[{i}]", described)
    return m


def result_record(metadata: Mapping[str, Any], results: Sequence[int], entry: int) -> Record | None:
    """Find out how the items of an entry's result are read.

    Args:
        metadata: of the blob.
        results: the number of each entry's result.
        entry: index of the entry.

    Returns:
        None if the blob does not say.

    Raises:
        BlobError: its description breaks a rule.
    """
    if results[entry] in KNOWN_RECORDS:
        return KNOWN_RECORDS[results[entry]]
    if "results" not in metadata:
        return None
    described = _list("results", metadata["results"], len(results))
    return read_record(f"results[{entry}]", described[entry])


def read_record(place: str, value: object) -> Record | None:
    """Read an item of `results`.

    Raises:
        BlobError: names the key, the rule and the value.
    """
    if value is None:
        return None
    described = _map(place, value)
    item_bytes = _number(f"{place}.item_bytes", described.get("item_bytes"))
    fields = _list(f"{place}.fields", described.get("fields"))
    return Record(
        item_bytes, tuple(_field(f"{place}.fields[{i}]", field) for i, field in enumerate(fields))
    )


def _field(place: str, value: object) -> RecordField:
    field = _map(place, value)
    name, dtype, role = field.get("name"), field.get("dtype"), field.get("role")
    _text(f"{place}.name", name)
    _rule(dtype in FIELD_DTYPES, f"{place}.dtype must be one of {', '.join(FIELD_DTYPES)}", dtype)
    _rule(role in ROLES, f"{place}.role must be one of {', '.join(ROLES)}", role)
    offset = _number(f"{place}.offset", field.get("offset"))
    count = _number(f"{place}.count", field.get("count"))
    return RecordField(str(name), str(dtype), offset, count, next(r for r in ROLES if r == role))


def _ports(place: str, value: object, tensors: int, ios: Sequence[Io]) -> None:
    for i, port in enumerate(_list(place, value, len(ios))):
        fields = _map(f"{place}[{i}]", port)
        _text(f"{place}[{i}].name", fields.get("name"))
        _values(f"{place}[{i}]", fields)
        index = _number(f"{place}[{i}].tensor", fields.get("tensor"))
        _rule(index < tensors, f"{place}[{i}].tensor must be below {tensors}", index)
        size, stated = _size_bytes(fields), ios[i].size_bytes
        _rule(size == stated, f"{place}[{i}] must have the {stated} bytes of the io table", size)


def _tensor(place: str, tensor: object, arena: int) -> None:
    fields = _map(place, tensor)
    _text(f"{place}.name", fields.get("name"))
    _values(place, fields)
    offset, size = _number(f"{place}.offset", fields.get("offset")), _size_bytes(fields)
    _rule(size <= arena, f"{place}.shape must fit the arena of {arena} bytes", size)
    _rule(offset <= arena - size, f"{place}.offset must be in [0, {arena - size}]", offset)


def _size_bytes(tensor: dict[str, Any]) -> int:
    return int(math.prod(tensor["shape"])) * int(np.dtype(tensor["dtype"]).itemsize)


def _values(place: str, fields: dict[str, Any]) -> None:
    dtype = fields.get("dtype")
    _rule(dtype in DTYPES, f"{place}.dtype must be one of {', '.join(DTYPES)}", dtype)
    for side in _list(f"{place}.shape", fields.get("shape")):
        _number(f"{place}.shape", side)


def _step(place: str, step: object, tensors: int) -> None:
    fields = _map(place, step)
    for key in ("name", "op"):
        _text(f"{place}.{key}", fields.get(key))
    for key in ("macs", "weights"):
        _number(f"{place}.{key}", fields.get(key))
    _indices(f"{place}.outputs", fields.get("outputs"), tensors)
    for i, layer in enumerate(_list(f"{place}.layers", fields.get("layers", []))):
        _layer(f"{place}.layers[{i}]", layer, fields["outputs"])
    for i, packed in enumerate(_list(f"{place}.packed", fields.get("packed", []))):
        _packed(f"{place}.packed[{i}]", packed)


def _packed(place: str, packed: object) -> None:
    fields = _map(place, packed)
    _text(f"{place}.name", fields.get("name"))
    for key in ("saved", "instructions"):
        _number(f"{place}.{key}", fields.get(key))


def _layer(place: str, layer: object, outputs: list[int]) -> None:
    fields = _map(place, layer)
    for key in ("name", "op"):
        _text(f"{place}.{key}", fields.get(key))
    _number(f"{place}.macs", fields.get("macs"))
    _values(place, fields)
    output = fields.get("output")
    rule = f"{place}.output must be nil or one of the step's outputs"
    _rule(output is None or output in outputs, rule, output)


def _rule(holds: bool, rule: str, seen: object) -> None:
    if not holds:
        raise BlobError(f"metadata: {rule}; is {repr(seen)[:80]}")


def _text(place: str, value: object) -> None:
    # What is shown on a terminal must not steer it.
    plain = isinstance(value, str) and not any(category(c) == "Cc" for c in value)
    _rule(plain, f"{place} must be text without control characters", value)


def _number(place: str, value: object) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    _rule(is_number, f"{place} must be a whole number, 0 or more", value)
    return value if isinstance(value, int) else 0


def _list(place: str, value: object, count: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (count is not None and len(value) != count):
        _rule(False, f"{place} must be a list" + ("" if count is None else f" of {count}"), value)
        return []
    return value


def _map(place: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        _rule(False, f"{place} must be a map", value)
        return {}
    return value


def _indices(place: str, value: object, below: int, count: int | None = None) -> None:
    for index in _list(place, value, count):
        _rule(_number(place, index) < below, f"{place} must be indices below {below}", index)
