"""PAD, PADV2, CONCATENATION: values that move."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.fixed_point import round_away_f32, scale_of, zero_of
from relocatable.select.activation import all_values
from relocatable.select.site import Site
from relocatable.steps.c_call import CCall, Constant, CPointer, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall


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
    arguments = (Input(0, f"uint{bits}_t"), Output(f"uint{bits}_t"))
    return site.call("pad.c", CCall(f"xn_pad_{bits}", arguments, params, "xn_pad_params"))


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
        function = "xn_concatenation"
        arguments: list[CPointer] = [Input(i, "uint8_t"), Output("uint8_t")]
        table = _rescaling(site, i)
        if table is not None:
            weights[f"table{i}"] = table
            function = "xn_concatenation_table"
            arguments.insert(1, Constant(f"table{i}"))
        calls.append(CCall(function, arguments, params, "xn_concatenation_params"))
    inputs = range(len(site.op.inputs))
    return site.call("concatenation.c", *calls, weights=weights, inputs=inputs)


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
