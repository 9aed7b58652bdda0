"""Choose which filters of a program are stored packed, and how.

Nothing is lost: the kernels get the same bytes. What a packed filter saves in flash is paid with
code, scratch and the time to unpack it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from relocatable.steps.c_call import CCall, ChannelLoop, Constant, Scratch, Unpack, c_type
from relocatable.steps.half_weights import halves_of
from relocatable.steps.kernel_call import KernelCall, PackedCost
from relocatable.steps.pack_filter import FilterBlocks, PackedFilter, packed_forms

_ALIGN = 16  # of constants and scratch
_MOST_SCRATCH = 4096  # bytes of filters that are unpacked at a time, if a block has no more
_MOST_TURN = 16  # output channels that are made at a time
# Instructions, roughly: to unpack a value; of the network for each multiply-accumulate of integers
# and of floats.
_PER_VALUE = {"xn_unpack_codes": 8, "xn_unpack_sparse": 13}
_PER_MAC, _PER_FLOAT = 1, 5


@dataclass(frozen=True)
class Packing:
    """When filters are packed.

    Attributes:
        layer_code: bytes, roughly and rather too many, of a layer's own code and constants.
        shared_code: likewise, of the code that unpacks, if layers share it.
        windows: how much longer than for speed it takes to lay a window out.
        most_loss: what unpacking may take of a program's time.
        least_gain: the share of a program's constants that a filter must save for each such share.
        plain: operators, by their first output, whose filters are left as they are.
    """

    layer_code: int
    shared_code: int
    windows: int
    most_loss: float
    least_gain: float = 0
    plain: frozenset[int] = frozenset()


FOR_SIZE = Packing(layer_code=130, shared_code=400, windows=4, most_loss=1, least_gain=0.1)
FOR_SPEED = Packing(layer_code=300, shared_code=500, windows=1, most_loss=1 / 8, least_gain=4)


@dataclass(frozen=True)
class _Offer:
    """A step whose filter can be packed.

    Attributes:
        step: its index.
        form: the smallest.
        turn: blocks that are unpacked at a time.
        costs: of it.
        saved: bytes, less what the step's own code takes.
    """

    step: int
    form: PackedFilter
    turn: int
    costs: PackedCost
    saved: int

    @property
    def cost(self) -> int:
        """Instructions, about, if it is one call."""
        return self.costs.per_call + self.costs.per_run

    @property
    def code(self) -> tuple[str, int]:
        """What it shares with others."""
        return self.form.function, self.form.size


def with_packed_filters(
    calls: Sequence[KernelCall],
    packing: Packing,
) -> tuple[KernelCall, ...]:
    """Pack the filters for which it pays.

    Args:
        calls: of a program, before its rows and its memory are planned.
        packing: when it pays.

    Returns:
        The calls; none takes more flash than before.
    """
    offers = [
        offer
        for step, call in enumerate(calls)
        if call.filters is not None and call.outputs[0] not in packing.plain
        if (offer := _offer(step, call, packing)) is not None
    ]
    work, constants = _work(calls), sum(map(_constant_bytes, calls))
    worth = [o for o in offers if o.saved * work >= packing.least_gain * o.cost * constants]
    offers = _paying(_quick(worth, packing.most_loss * work), packing)
    if not offers:
        return tuple(calls)
    by_step = {offer.step: offer for offer in offers}
    packed = [
        _packed(call, by_step[step]) if step in by_step else call for step, call in enumerate(calls)
    ]
    # A template is made once for all: a layer that is not packed makes all channels in one turn.
    parts = {_template(calls[step]) for step in by_step}
    return tuple(_as_parts(call, parts) for call in packed)


def is_packed(by_target: Iterable[Sequence[KernelCall]]) -> bool:
    """Tell whether a filter of some program is packed."""
    return any(part.packed is not None for calls in by_target for part in _parts(calls))


def parts_of_pipelines(by_target: Iterable[Sequence[KernelCall]]) -> frozenset[int]:
    """Find the operators, by their first output, that are done together by rows."""
    pipelines = (call.pipeline for calls in by_target for call in calls if call.pipeline)
    return frozenset(part.outputs[0] for pipeline in pipelines for part in pipeline.parts)


def unpack_cost(call: KernelCall) -> int:
    """Count the instructions, about, that unpacking adds to a run of a step."""
    if call.packed is not None:
        return call.packed.per_call + call.packed.per_run
    if call.pipeline is None:
        return 0
    tasks = [call.pipeline.parts[task.part].packed for task in call.pipeline.tasks]
    parts = [part.packed for part in call.pipeline.parts]
    per_call = sum(cost.per_call for cost in tasks if cost)
    return per_call + sum(cost.per_run for cost in parts if cost)


def is_quick(by_target: Iterable[Sequence[KernelCall]], packing: Packing) -> bool:
    """Tell whether unpacking takes no more than it may, as rows were planned."""
    return all(
        sum(map(unpack_cost, calls)) <= packing.most_loss * _work(calls) for calls in by_target
    )


def _work(calls: Sequence[KernelCall]) -> int:
    return sum(part.macs * (_PER_FLOAT if _is_float(part) else _PER_MAC) for part in _parts(calls))


def _is_float(call: KernelCall) -> bool:
    return any(kernel.dtype.startswith("float") for kernel in call.calls)


def _parts(calls: Iterable[KernelCall]) -> Iterator[KernelCall]:
    for call in calls:
        yield from call.pipeline.parts if call.pipeline else (call,)


def _constant_bytes(call: KernelCall) -> int:
    return sum(values.nbytes for values in call.weights.values())


def _offer(step: int, call: KernelCall, packing: Packing) -> _Offer | None:
    blocks = call.filters
    assert blocks is not None
    filter_ = call.weights["filter"]
    dense = filter_.nbytes
    if call.widens and halves_of(filter_) is not None:
        dense //= 2
    form = min(packed_forms(filter_, blocks), key=lambda form: form.stored_bytes)
    saved = dense - form.stored_bytes - packing.layer_code
    if saved <= 0 or blocks.count < 2:
        return None
    turn = _blocks_of_turn(filter_.nbytes, blocks)
    costs = PackedCost(
        saved_bytes=filter_.nbytes - form.stored_bytes,
        per_call=form.values * _PER_VALUE[form.function],
        per_run=(ceil(blocks.count / turn) - 1) * blocks.repeats * packing.windows,
    )
    return _Offer(step, form, turn, costs, saved)


def _blocks_of_turn(filter_bytes: int, blocks: FilterBlocks) -> int:
    """Find how many blocks are unpacked at a time, never all."""
    if blocks.repeats == 0:
        return 1
    each = filter_bytes // blocks.count
    most = min(_MOST_SCRATCH // each, _MOST_TURN // blocks.channels, blocks.count // 2)
    return max(1, most)


def _quick(offers: Sequence[_Offer], most: float) -> list[_Offer]:
    """Take the offers that save the most for their cost, up to some instructions."""
    taken, spent = [], 0.0
    for offer in sorted(offers, key=lambda offer: (offer.cost / offer.saved, offer.step)):
        if spent + offer.cost <= most:
            taken.append(offer)
            spent += offer.cost
    return taken


def _paying(offers: Sequence[_Offer], packing: Packing) -> list[_Offer]:
    """Leave out those that save less than the code that they alone need."""
    saved: dict[tuple[str, int], int] = {}
    for offer in offers:
        saved[offer.code] = saved.get(offer.code, -packing.shared_code) + offer.saved
    return [offer for offer in offers if saved[offer.code] > 0]


def _packed(call: KernelCall, offer: _Offer) -> KernelCall:
    """Store a step's filter packed."""
    blocks, form, filter_ = call.filters, offer.form, call.weights["filter"]
    assert blocks is not None
    buffer = offer.turn * filter_.nbytes // blocks.count
    to = Scratch("uint8_t", -(-call.scratch_bytes // _ALIGN) * _ALIGN)
    unpack = Unpack(
        function=form.function,
        dtype=f"uint{8 * form.size}",
        channels=blocks.channels,
        blocks=offer.turn,
        start=form.start,
        to=to,
        params=form.params,
    )
    loop = ChannelLoop(blocks.outputs, unpack)
    [kernel] = call.calls
    unpacked = replace(to, as_type=c_type(str(filter_.dtype)))
    arguments = [unpacked if a == Constant("filter") else a for a in kernel.arguments]
    rows = call.rows
    if rows is not None:
        # The first channels of all rows are written before the last ones of the first row.
        rows = replace(rows, in_order=False, call_cost=rows.call_cost + offer.costs.per_call)
    return replace(
        call,
        calls=(replace(kernel, arguments=tuple(arguments), channels=loop),),
        weights={**call.weights, "filter": np.frombuffer(form.make(), np.uint8)},
        scratch_bytes=to.offset_bytes + -(-buffer // _ALIGN) * _ALIGN,
        rows=rows,
        widens="",
        packed=offer.costs,
    )


# The file of a kernel and its element type.
_Template = tuple[str, str]


def _template(call: KernelCall) -> _Template:
    return call.source, call.calls[0].dtype if call.calls else ""


def _as_parts(call: KernelCall, templates: Collection[_Template]) -> KernelCall:
    """Let calls of some templates say which channels they make."""
    called = tuple(
        replace(graph, calls=tuple(_as_parts(inner, templates) for inner in graph.calls))
        for graph in call.called
    )
    if _template(call) not in templates:
        return replace(call, called=called)
    kernels = tuple(
        replace(kernel, channels=kernel.channels or ChannelLoop(_outputs(kernel)))
        for kernel in call.calls
    )
    return replace(call, calls=kernels, macros={**call.macros, "XN_IS_PART": "1"}, called=called)


def _outputs(kernel: CCall) -> int:
    outputs = kernel.params["out_c"]
    assert isinstance(outputs, int)
    return outputs
