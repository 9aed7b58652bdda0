"""The kernels of each CPU, its own variants among them, against LiteRT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from relocatable.codegen.toolchain import CodeOptimize, build_code
from relocatable.compile import lower
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops._shared.layer_sample import convolution_sample
from relocatable.passes.fold_pad import fold_pad
from relocatable.read_tflite import read_tflite
from relocatable.targets import TARGETS
from tests.conftest import MODELS, shared_model
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite
from tests.numeric.cases import Shard, machine_shards, record_cases
from tests.numeric.harness import sample
from tests.numeric.machines import MACHINES, run_on_machine
from tests.numeric.on_target import check_on_target, wrong_on_target
from tests.numeric.test_convolution import deep, extreme, padded, with_dead_scales

pytestmark = pytest.mark.sim

# One CPU for each set of kernels: plain C without and with 64-bit products, DSP, Helium, RISC-V.
CPUS = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m33", "cortex-m55", "rv32imac")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "machine_shard" in metafunc.fixturenames:
        cpus = (*CPUS, "cortex-m7")  # with M4's kernels, but other flags
        metafunc.parametrize("machine_shard", machine_shards(metafunc.config, cpus), ids=str)


@pytest.mark.few(3)
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("target", CPUS)
def test_weighted_layers(target: str, dtype: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(81)
    graphs = [sample(rng, "CONV_2D", dtype) for _ in range(30)]
    graphs += [sample(rng, "DEPTHWISE_CONV_2D", dtype) for _ in range(30)]
    graphs += [sample(rng, "FULLY_CONNECTED", dtype) for _ in range(20)]
    graphs += [deep(rng, dtype) for _ in range(12)]
    if dtype != "uint8":
        layers = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
        graphs += [with_dead_scales(rng, kind, dtype) for kind in layers for _ in range(6)]
    graphs += [
        convolution_sample(rng, "DEPTHWISE_CONV_2D", dtype, k) for k in (3, 3, 5) for _ in range(12)
    ]
    check_on_target(graphs, target, tmp_path)


@pytest.mark.parametrize("target", CPUS)
def test_lstms_of_16_bits(target: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(83)
    graphs = [sample(rng, "UNIDIRECTIONAL_SEQUENCE_LSTM", "int16") for _ in range(24)]
    check_on_target(graphs, target, tmp_path)


@pytest.mark.parametrize("channels", [5, 9])
def test_all_rows_of_strided_reads(channels: int, tmp_path: Path) -> None:
    graphs = [pool(10, 9, channels, dtype) for dtype in ("int8", "uint8")]
    check_on_target([*graphs, pool(7, 5, channels, "int8")], "cortex-m55", tmp_path)


def pool(h: int, w: int, channels: int, dtype: str) -> Graph:
    b, quant = GraphBuilder(), Quant((0.07,), (-3 if dtype == "int8" else 100,))
    x = b.input(1, h, w, channels, dtype=dtype, quant=quant)
    y = b.tensor(1, -(-h // 4), -(-w // 2), channels, dtype=dtype, quant=quant)
    window: dict[str, AttrValue] = {"stride_h": 4, "stride_w": 2, "filter_height": 3}
    attrs: dict[str, AttrValue] = {**window, "filter_width": 4, "padding": "SAME"}
    attrs["fused_activation_function"] = "NONE"
    return b.graph(b.op("AVERAGE_POOL_2D", (x,), y, **attrs))


@pytest.mark.parametrize("target", CPUS)
def test_folded_pads(target: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(84)
    graphs = [padded(rng, k) for k in ("CONV_2D", "DEPTHWISE_CONV_2D") for _ in range(30)]
    models = [make_tflite(graph) for graph in graphs]
    check_on_target([fold_pad(graph) for graph in graphs], target, tmp_path, "size", models)


@pytest.mark.parametrize("target", CPUS)
def test_extreme_scales(target: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(82)
    graphs = [extreme(rng, "CONV_2D") for _ in range(40)]
    graphs += [extreme(rng, "FULLY_CONNECTED") for _ in range(40)]
    check_on_target(graphs, target, tmp_path, "size")


@pytest.mark.parametrize("target", CPUS)
def test_stack_is_bounded(target: str, tmp_path: Path) -> None:
    text = """
    #include "blob/include/xn_blob.h"
    static __attribute__((noinline)) int32_t deep(volatile uint8_t *a) {
        volatile uint8_t room[1000];
        for (int32_t i = 0; i < 1000; i++) room[i] = a[i & 15];
        return room[a[0]];
    }
    static __attribute__((noinline)) int32_t middle(volatile uint8_t *a, int32_t n) {
        volatile uint8_t room[300];
        for (int32_t i = 0; i < 300; i++) room[i] = (uint8_t)(a[i & 15] + n);
    #ifdef __arm__ // where the scan refuses what is called by its address
        return deep(a) + room[n];
    #else
        int32_t (*volatile called_by_address)(volatile uint8_t *) = deep;
        return called_by_address(a) + room[n];
    #endif
    }
    static __attribute__((noinline)) int32_t jump(volatile uint8_t *a, int32_t n) {
        return middle(a, n + 1);
    }
    int32_t xn_step_0(const xn_ctx *ctx);
    int32_t xn_step_0(const xn_ctx *ctx) {
        volatile uint8_t room[500];
        for (int32_t i = 0; i < 500; i++) room[i] = ctx->arena[i & 15];
        ctx->arena[0] = (uint8_t)(jump(ctx->arena, 3) + room[7]);
        return 0;
    }"""
    code = build_code(text, TARGETS[target], 1, "speed")
    arena = np.zeros(16, np.uint8)
    used = run_on_machine(MACHINES[target], code, b"", arena, tmp_path).stack_bytes
    assert 1800 <= used <= code.stack_bytes <= 1800 + 200


@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_of_models(name: str, tmp_path: Path) -> None:
    data = shared_model(f"{name}.tflite").read_bytes()
    graph = lower(read_tflite(data, name))
    check_on_target([graph], "rv32imac", tmp_path, "speed", [data])


@pytest.mark.numbered_cases
def test_every_operator(
    machine_shard: Shard, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    made = [case.make() for case in machine_shard.cases]
    optimize: CodeOptimize = "speed" if machine_shard.cases[0].number % 2 else "size"
    found = wrong_on_target(made, machine_shard.target, tmp_path, optimize)
    wrong = {
        case: texts[0] for case, texts in zip(machine_shard.cases, found, strict=True) if texts
    }
    record_cases(record_property, machine_shard, len(wrong))
    assert not wrong, "\n".join(f"{case}: {text}" for case, text in wrong.items())
