"""QUANTIZE, DEQUANTIZE, CAST."""

from __future__ import annotations

from relocatable.codegen.calls import KernelCall
from relocatable.fixed_point import multiply, quantize_multiplier, scale_of, type_range, zero_of
from relocatable.graph.graph import Tensor
from relocatable.select.activation import all_values, table_call
from relocatable.select.site import CValue, Site, c_call, c_value

_C_TYPES = {"bool": "uint8_t", "float32": "float", "float64": "double"}


def choose_quantize(site: Site) -> KernelCall:
    """QUANTIZE of float32, int8 and uint8 to int8 and uint8."""
    x, y = site.input(0), site.output
    if site.is_float:
        body = c_call(
            "xn_quantize_f32", ("IN0", "(uint8_t *)OUT0"), _params(site, y), type_name="xn_quantize"
        )
        return site.call("quantize.c", body, rows=site.value_rows)
    multiplier, shift = quantize_multiplier(float(scale_of(x)) / float(scale_of(y)))
    values = all_values(x) - zero_of(x)
    return table_call(site, multiply(values, multiplier, shift) + zero_of(y))


def choose_dequantize(site: Site) -> KernelCall:
    """DEQUANTIZE of int8 and uint8 to float32."""
    x = site.input(0)
    if x.dtype not in ("int8", "uint8"):
        site.refuse("input must be int8 or uint8", x.dtype)
    body = c_call(
        "xn_dequantize_8",
        ("(const uint8_t *)IN0", "OUT0"),
        _params(site, x),
        type_name="xn_quantize",
    )
    return site.call("quantize.c", body, rows=site.value_rows)


def choose_cast(site: Site) -> KernelCall:
    """CAST between any types."""
    x, y = site.input(0), site.output
    count = c_value(site.count)
    if y.dtype == "bool":
        body = f"XN_CAST_BOOL(IN0, OUT0, {count})"
    elif site.is_float and y.dtype != "float32":
        low, high = type_range(y.dtype)
        limits = f"(-{-low - 1}LL - 1), {high}LL" if low < 0 else f"0, {high}LL"
        body = f"XN_CAST_FLOAT(IN0, OUT0, {count}, {c_type(y.dtype)}, {limits})"
    else:
        body = f"XN_CAST_INT(IN0, OUT0, {count}, {c_type(y.dtype)})"
    in_place = (0,) if x.size_bytes == y.size_bytes else ()
    return site.call("cast.c", f"{body}\nreturn 0;", in_place=in_place, rows=site.value_rows)


def c_type(dtype: str) -> str:
    """C's name of an element type."""
    return _C_TYPES.get(dtype, f"{dtype}_t")


def _params(site: Site, tensor: Tensor) -> dict[str, CValue]:
    return {
        "count": site.count,
        "scale": scale_of(tensor),
        "zero": zero_of(tensor),
        "is_signed": int(tensor.dtype == "int8"),
    }
