"""Real functions of one value.

EXP, LOG, SQRT, RSQRT, SIN, COS, SQUARE, FLOOR, CEIL, ROUND, ELU, GELU. 8-bit values are a table,
16-bit ones lines between 513 points, as in LiteRT; SQRT is computed. BUILTIN_REF lacks CEIL, ROUND
and ELU: their reference are LiteRT's default kernels. SQRT and RSQRT of stored values below the
zero point, which LiteRT refuses while it runs, are those of the zero point. There is no GELU of 16
bits: the last bit of LiteRT's depends on the C library's erfcf and tanhf.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.fixed_point import (
    INT32_MAX,
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
    saturating_doubling_high_mul,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.table import (
    all_values,
    line_ends,
    lower_lines,
    lower_table,
    on_lines,
)
from relocatable.ops._shared.types import ARITHMETIC
from relocatable.ops._shared.unary import (
    UNARY_RULES,
    Floats,
    Table,
    evaluate_unary,
    real_table,
    unary_sample,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Rule,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_FLOAT = ("float32",)
_MOST_STEPS = 2.0**30


@dataclass(frozen=True)
class RealFunction:
    """A real function of one value.

    Attributes:
        kind: of the operator.
        meaning: the function of a node, in LiteRT's single precision.
        dtypes: element types that LiteRT has it for.
        table: makes the results of 8-bit values; by default the meaning, rounded.
        options: of the operator.
        attributes: makes random options, for samples.
        rules: further ones.
        from_zero: whether 8-bit values must not be below zero in LiteRT.
        version: of LiteRT's operator.
    """

    kind: str
    meaning: Callable[[Node, Floats], Floats]
    dtypes: tuple[str, ...] = _FLOAT
    table: Table | None = None
    options: Options | None = None
    attributes: Callable[[Rng], dict[str, bool]] = lambda rng: {}
    rules: tuple[Rule, ...] = ()
    from_zero: bool = False
    version: int = 1

    def stored(self, node: Node, values: Ints) -> Ints:
        """Compute the results of 8-bit values, not yet clamped."""
        if self.table is not None:
            return self.table(node, values)
        return real_table(node, values, self.of(node))

    def of(self, node: Node) -> Callable[[Floats], Floats]:
        """Return the function, within what can be rounded to integers."""
        largest = float(np.finfo(np.float32).max)
        most = np.float32(min(_MOST_STEPS * float(scale_of(node.output)), largest))

        def bounded(x: Floats) -> Floats:
            with np.errstate(all="ignore"):
                return np.clip(self.meaning(node, x), -most, most)

        return bounded

    def lower(self, site: Site) -> KernelCall:
        """Lower the function of int8, uint8, int16 or float32."""
        if site.is_float:
            name = self.kind.lower() + "_tanh" * bool(site.op.attrs.get("approximate"))
            call = CCall(
                f"xn_real_{name}", (Input(0), Output()), {"count": site.count}, "xn_real_params"
            )
            return site.call("_shared/real.c", call, in_place=(0,), rows=site.value_rows)
        node = site.node
        if site.output.dtype == "int16" and self.kind == "SQRT":
            return _lower_root(site)
        if site.output.dtype == "int16":
            return lower_lines(site, line_ends(node.inputs[0], node.output, self.of(node)))
        return lower_table(site, self.stored(node, all_values(site.input(0))))

    def evaluate(self, node: Node, inputs: list[Array]) -> Array:
        """Compute the function in NumPy."""
        x = inputs[0]
        if x.dtype == np.int16 and self.kind != "SQRT":
            table = line_ends(node.inputs[0], node.output, self.of(node))
            return on_lines(table, x.astype(np.int64)).astype(np.int16)
        with np.errstate(all="ignore"):
            return evaluate_unary(node, x, self.stored, lambda v: self.meaning(node, v))

    def results_fit(self, node: Node) -> Seen:
        """results of integers must be below 2^30 steps of the output's scale"""
        if not node.quantized:
            return True, ""
        x, y = node.inputs[0], node.output
        low, high = type_range(x.dtype)
        values = np.rint(np.linspace(low, high, 513, dtype=np.float32)) - np.float32(zero_of(x))
        if self.table is not None:
            values = np.maximum(values, 1)
        with np.errstate(all="ignore"):
            results = np.abs(self.meaning(node, scale_of(x) * values).astype(np.float64))
            inverse = float(np.float32(1) / scale_of(y))
            most = max(float(np.nanmax(results)), 1e-30) * inverse
        return most < _MOST_STEPS, f"{most:g}"

    def sample(self, rng: Rng, dtype: str) -> Graph:
        """Make a graph of one such function."""
        quant, attributes = random_quant(rng, dtype), self.attributes(rng)
        source = random_quant(rng, dtype)
        if self.from_zero and source is not None:
            source = Quant(source.scale, (type_range(dtype)[0],))
        if dtype == "int16":
            source = Quant((float(np.float32(rng.uniform(0.1, 6) / 32768)),), (0,))
            quant = Quant((float(np.float32(rng.uniform(1, 8) / 32768)),), (0,))
        graph = unary_sample(rng, self.kind, dtype, quant, source, **attributes)
        fits, _ = self.results_fit(Node.of(graph, graph.ops[0]))
        return graph if fits else self.sample(rng, dtype)

    def operator(self) -> Operator:
        """Describe the operator."""
        rules: tuple[Rule, ...] = UNARY_RULES
        if len(self.dtypes) > 1:
            rules = (*rules, self.results_fit, *self.rules)
        return Operator(
            kind=self.kind,
            options=self.options,
            operands=(Operand("input", self.dtypes, below=_below if self.from_zero else None),),
            output=self.dtypes,
            rules=rules,
            shape=kept_shape,
            kernels=(Kernel(self.lower),),
            evaluate=self.evaluate,
            samples=samples(self.sample, self.dtypes),
            version=self.version,
        )


def _below(node: Node) -> int | None:
    """Tell which inputs LiteRT takes: 8 bits have their zero point at the least value."""
    return 1 << 15 if node.output.dtype == "int16" else None


def _lower_root(site: Site) -> KernelCall:
    params: dict[str, CValue] = {
        "count": site.count,
        "in_scale": scale_of(site.input(0)),
        "out_scale": scale_of(site.output),
    }
    call = CCall("xn_root_16", (Input(0), Output()), params)
    source = "real_functions/root_16.c"
    return site.call(source, call, in_place=(0,), rows=site.value_rows)


def _rounded(function: Callable[[Array], Array]) -> Callable[[Node, Floats], Floats]:
    """Make a meaning of a function in double precision, rounded once."""
    return lambda node, x: np.asarray(function(x.astype(np.float64)), np.float32)


def _log(node: Node, x: Floats) -> Floats:
    result = np.log(x.astype(np.float64)).astype(np.float32)
    if x.dtype == np.float32 and node.quantized:  # there is no value for what is not above 0
        low = np.float32(type_range(node.output.dtype)[0] - zero_of(node.output))
        result = np.where(x <= 0, low * scale_of(node.output), result)
    return np.asarray(result, np.float32)


def _rsqrt(node: Node, x: Floats) -> Floats:
    result = np.float32(1) / np.sqrt(x)
    if node.output.dtype == "int16":
        result = np.where(x <= 0, np.float32(32767) * scale_of(node.output), result)
    return np.asarray(result, np.float32)


def _tanh(x: Floats) -> Floats:
    """Compute tanh by e^2x - 1, with glibc's roundings."""
    one, two, a = np.float32(1), np.float32(2), np.abs(x)
    up = np.expm1((two * a).astype(np.float64)).astype(np.float32)
    down = np.expm1((-two * a).astype(np.float64)).astype(np.float32)
    return np.copysign(np.where(a >= 1, one - two / (up + two), -down / (down + two)), x)


def _gelu(node: Node, x: Floats) -> Floats:
    half, one = np.float32(0.5), np.float32(1)
    if node.op.attrs["approximate"]:
        cube = np.float32(0.044715) * x * x * x
        inner = np.float32(math.sqrt(2 / math.pi)) * (x + cube)
        return np.asarray(half * x * (one + _tanh(inner)))
    erfc = np.vectorize(math.erfc, otypes=[np.float64])
    return np.asarray(half * x * erfc(x * np.float32(-math.sqrt(0.5))).astype(np.float32))


def _sqrt_table(node: Node, values: Ints) -> Ints:
    """Compute roots as LiteRT does, cut off instead of rounded."""
    x, y = node.inputs[0], node.output
    real = scale_of(x) * np.maximum(values - zero_of(x), 0).astype(np.float32)
    whole: Ints = (np.sqrt(real) / scale_of(y)).astype(np.int64)
    return whole + zero_of(y)


def _rsqrt_table(node: Node, values: Ints) -> Ints:
    """Compute 1 / sqrt(x) in LiteRT's fixed point; that of 0 is the largest output."""
    x, y = node.inputs[0], node.output
    with np.errstate(over="ignore"):
        out = quantize_multiplier(1 / float(np.sqrt(scale_of(x)) * scale_of(y)))
    found = []
    for value in (values - zero_of(x)).reshape(-1).tolist():
        if value <= 0:
            found.append(type_range(y.dtype)[1])
            continue
        multiplier, shift = _inverse_root(value)
        one = np.asarray(1, np.int64)
        data = multiply_by_quantized_multiplier(one, multiplier, 20 - shift)
        found.append(int(multiply_by_quantized_multiplier(data, out[0], out[1] - 20)) + zero_of(y))
    return np.array(found, np.int64).reshape(values.shape)


def rsqrt_scales(node: Node) -> Seen:
    """the root of an 8-bit input's scale times the output's must be at most 2^12"""
    if not node.quantized:
        return True, ""
    product = float(scale_of(node.inputs[0])) ** 0.5 * float(scale_of(node.output))
    return product <= 1 << 12, f"{product:g}"


def _inverse_root(value: int) -> tuple[int, int]:
    """Compute 1 / sqrt(value) as multiplier / 2^31 / 2^shift, by Newton's method."""
    if value == 1:
        return INT32_MAX, 0
    pairs = (31 - value.bit_length()) // 2 - 1
    scaled, shift = (value << 2 * pairs) >> 1, 11 - pairs
    half = int(rounding_divide_by_pot(np.asarray(scaled, np.int64), 1))
    x = 1 << 28
    for _ in range(5):
        cube = _shifted(_times(_times(x, x), x), 6)
        x = _shifted(_times((1 << 28) + (1 << 27), x) - _times(half, cube), 3)
    x = _times(x, 1518500250)  # sqrt(1/2)
    return (x << -shift, 0) if shift < 0 else (x, shift)


def _times(a: int, b: int) -> int:
    return int(saturating_doubling_high_mul(np.asarray(a, np.int64), b))


def _shifted(x: int, bits: int) -> int:
    return max(-INT32_MAX - 1, min(INT32_MAX, x << bits))


_LINES = ("int8", "int16", "float32")

FUNCTIONS = (
    RealFunction("EXP", _rounded(np.exp), _LINES, version=2),
    RealFunction("LOG", _log, _LINES, version=2),
    RealFunction("SQRT", _rounded(np.sqrt), _LINES, table=_sqrt_table, from_zero=True, version=2),
    RealFunction(
        "RSQRT",
        _rsqrt,
        _LINES,
        table=_rsqrt_table,
        rules=(rsqrt_scales,),
        from_zero=True,
        version=2,
    ),
    RealFunction("SIN", _rounded(np.sin)),
    RealFunction("COS", _rounded(np.cos)),
    RealFunction("SQUARE", lambda node, x: x * x),
    RealFunction("FLOOR", lambda node, x: np.floor(x)),
    RealFunction("CEIL", lambda node, x: np.ceil(x)),
    RealFunction("ROUND", lambda node, x: np.rint(x)),
    RealFunction(
        "ELU",
        lambda node, x: np.where(x < 0, np.expm1(x.astype(np.float64)).astype(np.float32), x),
        ("int8", "float32"),
    ),
    RealFunction(
        "GELU",
        _gelu,
        ARITHMETIC,
        options=Options("GeluOptions", ("approximate",)),
        attributes=lambda rng: {"approximate": bool(rng.random() < 0.5)},
        version=2,
    ),
)

OPERATORS = tuple(function.operator() for function in FUNCTIONS)
