"""Which filters of a program are packed."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from relocatable.compile import Network, Optimize, Program, plan_network, read_network
from relocatable.ops.select_kernels import select_kernels
from relocatable.steps.kernel_call import KernelCall
from relocatable.steps.packed_filters import FOR_SPEED, Packing, is_packed, unpack_cost
from relocatable.steps.packed_filters import with_packed_filters as packed_by
from relocatable.targets import TARGETS
from tests.conftest import MODELS_DIR
from tests.models.cluster import cluster

CLUSTERED: dict[str, Any] = {"values": 16}
ANY_TIME = Packing(layer_code=0, shared_code=0, windows=1, most_loss=float("inf"))


@cache
def network(name: str, is_clustered: bool = True) -> Network:
    data = (MODELS_DIR / f"{name}.tflite").read_bytes()
    return read_network(cluster(data, **CLUSTERED) if is_clustered else data)


def plan(name: str, target: str, optimize: Optimize = "size", **more: Any) -> Program:
    return plan_network(network(name), target, optimize, **more)


def layers(program: Program) -> list[KernelCall]:
    [calls] = program.calls
    return [part for call in calls for part in (call.pipeline.parts if call.pipeline else (call,))]


def names(calls: list[KernelCall] | tuple[KernelCall, ...]) -> set[int]:
    return {call.outputs[0] for call in calls if call.packed}


@pytest.mark.parametrize("optimize", ["speed", "size", "ram"])
def test_a_model_of_many_values_stays_as_it_is(optimize: Optimize) -> None:
    for target in ("cortex-m0plus", "cortex-m4", "cortex-m55"):
        found = plan_network(network("cifar_cnn_int8", is_clustered=False), target, optimize)
        assert not is_packed(found.calls)


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_the_arena_grows_by_a_quarter_at_most(optimize: Optimize, target: str) -> None:
    packed = plan("cifar_cnn_int8", target, optimize)
    plain = plan("cifar_cnn_int8", target, optimize, packs=False)
    assert is_packed(packed.calls)
    assert not is_packed(plain.calls)
    assert packed.plan.arena_bytes <= 1.25 * plain.plan.arena_bytes


def test_a_limit_of_ram_comes_first() -> None:
    plain = plan("cifar_cnn_int8", "cortex-m4", packs=False).plan.arena_bytes
    assert plan("cifar_cnn_int8", "cortex-m4", max_ram=plain).plan.arena_bytes <= plain
    assert not is_packed(plan("cifar_cnn_int8", "cortex-m4", "ram").calls)


def test_speed_gives_an_eighth_at_most() -> None:
    for name in ("mnist_small_int8", "cifar_cnn_int8"):
        [calls] = plan(name, "cortex-m4", "speed").calls
        assert sum(map(unpack_cost, calls)) <= FOR_SPEED.most_loss * sum(c.macs for c in calls)
    assert not is_packed(plan("mnist_small_int8", "cortex-m4", "speed").calls)
    assert is_packed(plan("cifar_cnn_int8", "cortex-m4", "speed").calls)


def test_a_filter_is_packed_only_if_it_takes_less_with_its_code() -> None:
    graph = network("mnist_small_int8").graph
    calls = select_kernels(graph, TARGETS["cortex-m4"])
    found = packed_by(calls, ANY_TIME)
    saved = {c.outputs[0]: c.packed.saved_bytes for c in found if c.packed}
    assert len(saved) >= 3
    assert all(x > 0 for x in saved.values())
    some = sorted(saved.values())[-2]
    dear = Packing(layer_code=some, shared_code=0, windows=1, most_loss=float("inf"))
    assert names(packed_by(calls, dear)) == {i for i, x in saved.items() if x > some}
    shared = Packing(0, sum(saved.values()), windows=1, most_loss=float("inf"))
    assert packed_by(calls, shared) == calls


def test_operators_that_are_to_stay_plain_do() -> None:
    calls = select_kernels(network("mnist_small_int8").graph, TARGETS["cortex-m4"])
    one = min(names(packed_by(calls, ANY_TIME)))
    plain = Packing(0, 0, windows=1, most_loss=float("inf"), plain=frozenset({one}))
    assert names(packed_by(calls, plain)) == names(packed_by(calls, ANY_TIME)) - {one}


def test_never_all_of_a_filter_is_in_scratch() -> None:
    calls = select_kernels(network("cifar_cnn_int8").graph, TARGETS["cortex-m4"])
    for before, after in zip(calls, packed_by(calls, ANY_TIME), strict=True):
        if after.packed:
            more = after.scratch_bytes - before.scratch_bytes
            assert more - 32 <= before.weights["filter"].nbytes / 2


def test_what_is_written_out_of_order_is_not_written_over_its_input() -> None:
    packed = [call for call in layers(plan("cifar_cnn_int8", "cortex-m4")) if call.packed]
    assert any(call.rows for call in packed)
    assert not any(call.rows.in_order for call in packed if call.rows)
