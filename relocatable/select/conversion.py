"""QUANTIZE, DEQUANTIZE, CAST."""

from __future__ import annotations

from relocatable.fixed_point import multiply, quantize_multiplier, scale_of, type_range, zero_of
from relocatable.graph.graph import Tensor
from relocatable.select.activation import all_values, table_call
from relocatable.select.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Name, Output, c_type
from relocatable.steps.kernel_call import KernelCall


def choose_quantize(site: Site) -> KernelCall:
    """QUANTIZE of float32, int8 and uint8 to int8 and uint8."""
    x, y = site.input(0), site.output
    if site.is_float:
        arguments = (Input(0), Output("uint8_t"))
        call = CCall("xn_quantize_f32", arguments, _params(site, y), "xn_quantize_params")
        return site.call("quantize.c", call, rows=site.value_rows)
    multiplier, shift = quantize_multiplier(float(scale_of(x)) / float(scale_of(y)))
    values = all_values(x) - zero_of(x)
    return table_call(site, multiply(values, multiplier, shift) + zero_of(y))


def choose_dequantize(site: Site) -> KernelCall:
    """DEQUANTIZE of int8 and uint8 to float32."""
    x = site.input(0)
    if x.dtype not in ("int8", "uint8"):
        site.refuse("input must be int8 or uint8", x.dtype)
    arguments = (Input(0, "uint8_t"), Output())
    call = CCall("xn_dequantize_8", arguments, _params(site, x), "xn_quantize_params")
    return site.call("quantize.c", call, rows=site.value_rows)


def choose_cast(site: Site) -> KernelCall:
    """CAST between any types."""
    x, y = site.input(0), site.output
    arguments = (Input(0), Output(), site.count)
    to_type = Name(c_type(y.dtype))
    if y.dtype == "bool":
        call = CCall("XN_CAST_BOOL", arguments)
    elif site.is_float and y.dtype != "float32":
        low, high = type_range(y.dtype)
        limits = (Name(f"(-{-low - 1}LL - 1)" if low < 0 else "0"), Name(f"{high}LL"))
        call = CCall("XN_CAST_FLOAT", (*arguments, to_type, *limits))
    else:
        call = CCall("XN_CAST_INT", (*arguments, to_type))
    in_place = (0,) if x.size_bytes == y.size_bytes else ()
    return site.call("cast.c", call, in_place=in_place, rows=site.value_rows)


def _params(site: Site, tensor: Tensor) -> dict[str, CValue]:
    return {
        "count": site.count,
        "scale": scale_of(tensor),
        "zero": zero_of(tensor),
        "is_signed": int(tensor.dtype == "int8"),
    }
