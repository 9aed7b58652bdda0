"""Windows that move over an image: padding and output size, as LiteRT has them."""

from __future__ import annotations

from relocatable.codegen.calls import Rows
from relocatable.select.site import ByRows, Site


def window_of(site: Site, k_h: int, k_w: int) -> dict[str, int]:
    """The fields of xn_window for an operator with options stride, padding and dilation.

    The attributes pad_top and pad_left, where a folded PAD left them, are used as they are.
    """
    _, in_h, in_w, _ = site.input(0).shape
    _, out_h, out_w, _ = site.output.shape
    stride_h, stride_w = site.int_attr("stride_h"), site.int_attr("stride_w")
    dilation_h = site.int_attr("dilation_h_factor", 1)
    dilation_w = site.int_attr("dilation_w_factor", 1)
    if "pad_top" in site.op.attrs:
        pad_top, pad_left = site.int_attr("pad_top"), site.int_attr("pad_left")
    elif site.text_attr("padding") == "SAME":
        pad_top = _same_padding(in_h, out_h, k_h, stride_h, dilation_h)
        pad_left = _same_padding(in_w, out_w, k_w, stride_w, dilation_w)
    else:
        pad_top = pad_left = 0
    return {
        "in_h": ByRows(in_h, "IN_ROWS"),
        "in_w": in_w,
        "out_h": ByRows(out_h, "ROWS"),
        "out_w": out_w,
        "k_h": k_h,
        "k_w": k_w,
        "stride_h": stride_h,
        "stride_w": stride_w,
        "dilation_h": dilation_h,
        "dilation_w": dilation_w,
        "pad_top": ByRows(pad_top, "ABOVE"),
        "pad_left": pad_left,
    }


def window_rows(window: dict[str, int]) -> Rows:
    """The rows of an operator with that window."""
    reach = (window["k_h"] - 1) * window["dilation_h"] + 1
    return Rows(window["stride_h"], int(window["pad_top"]), reach)


def _same_padding(size: int, out: int, k: int, stride: int, dilation: int) -> int:
    reach = (k - 1) * dilation + 1
    return max(0, ((out - 1) * stride + reach - size) // 2)
