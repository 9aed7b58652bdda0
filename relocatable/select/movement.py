"""PAD, PADV2, CONCATENATION: values that move."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.codegen.calls import KernelCall
from relocatable.fixed_point import round_away_f32, scale_of, zero_of
from relocatable.select.activation import all_values
from relocatable.select.site import CValue, Site, c_call


def choose_pad(site: Site) -> KernelCall:
    """PAD and PADV2 of up to four dimensions in int8, uint8, float32 and int32."""
    shape = site.input(0).shape
    if len(shape) > 4:
        site.refuse("input must have at most 4 dimensions", str(len(shape)))
    amounts = [(int(a), int(b)) for a, b in site.constant(1).reshape(-1, 2)]
    lead = 4 - len(shape)
    value = site.constant(2).reshape(-1)[:1] if site.has_input(2) else _zero(site)
    params: dict[str, CValue] = {
        "in": (1,) * lead + shape,
        "before": [0] * lead + [a for a, _ in amounts],
        "after": [0] * lead + [b for _, b in amounts],
        "fill": int(value.view(f"i{value.itemsize}")[0]),
    }
    bits = 8 * value.itemsize
    if bits not in (8, 32):
        site.refuse("input must have elements of 8 or 32 bits", site.input(0).dtype)
    types = (f"(const uint{bits}_t *)IN0", f"(uint{bits}_t *)OUT0")
    return site.call("pad.c", c_call(f"xn_pad_{bits}", types, params, type_name="xn_pad"))


def choose_concatenation(site: Site) -> KernelCall:
    """CONCATENATION of any type; as LiteRT, it rescales uint8 where scales differ, not int8."""
    shape = site.output.shape
    axis = site.int_attr("axis") % len(shape)
    outer = int(np.prod(shape[:axis], dtype=np.int64))
    inner = site.output.size_bytes // (outer * shape[axis])  # bytes of one index of the axis
    calls, weights, at = [], {}, 0
    for i in range(len(site.op.inputs)):
        block = site.input(i).shape[axis] * inner
        params: dict[str, CValue] = {
            "outer": outer,
            "block": block,
            "out_offset": at,
            "out_block": shape[axis] * inner,
        }
        at += block
        source, to = f"(const uint8_t *)IN{i}", "(uint8_t *)OUT0"
        table = _rescaling(site, i)
        if table is None:
            calls.append(_concatenate("xn_concatenation", (source, to), params))
        else:
            weights[f"table{i}"] = table
            calls.append(
                _concatenate("xn_concatenation_table", (source, f"W_table{i}", to), params)
            )
    body = "\n".join((*calls, "return 0;"))
    return site.call("concatenation.c", body, weights=weights, inputs=range(len(site.op.inputs)))


def _concatenate(function: str, arguments: tuple[str, ...], params: dict[str, CValue]) -> str:
    call = c_call(function, arguments, params, type_name="xn_concatenation")
    return "{\n" + call.removesuffix("\nreturn 0;") + "\n}"


def _rescaling(site: Site, i: int) -> npt.NDArray[np.uint8] | None:
    """What LiteRT makes of the 256 values of a uint8 input; None where it copies them."""
    x, y = site.input(i), site.output
    if y.dtype != "uint8" or x.quant is None or y.quant is None:
        return None
    if scale_of(x) == scale_of(y) and zero_of(x) == zero_of(y):
        return None
    scale = scale_of(x) * (np.float32(1) / scale_of(y))
    bias = np.float32(-zero_of(x)) * scale
    values = round_away_f32(all_values(x).astype(np.float32) * scale + bias) + zero_of(y)
    return np.clip(values, 0, 255).astype(np.uint8)


def _zero(site: Site) -> npt.NDArray[np.generic]:
    quant = site.output.quant
    return np.array([quant.zero_point[0] if quant else 0], site.output.dtype)
