"""Windows that move over an image: padding and output size, as LiteRT has them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from relocatable.ops.site import Site
from relocatable.steps.c_call import ABOVE, IN_ROWS, ROWS, CValue
from relocatable.steps.kernel_call import Rows
from relocatable.steps.row_access import WindowRows


@dataclass(frozen=True)
class Window:
    """The fields of xn_window, for the whole image."""

    in_h: int
    in_w: int
    out_h: int
    out_w: int
    k_h: int
    k_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_top: int
    pad_left: int

    @property
    def rows(self) -> Rows:
        """The rows of an operator with this window."""
        return Rows(WindowRows(self.stride_h, self.pad_top, (self.k_h - 1) * self.dilation_h + 1))

    @property
    def fields(self) -> dict[str, CValue]:
        """What a kernel gets that makes some rows."""
        return {**asdict(self), "in_h": IN_ROWS, "out_h": ROWS, "pad_top": ABOVE}


def window_of(site: Site, k_h: int, k_w: int) -> Window:
    """Find the window of an operator with options stride, padding and dilation.

    The attributes pad_top and pad_left, if a folded PAD left them, are used as they are.
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
    return Window(
        *(in_h, in_w, out_h, out_w, k_h, k_w),
        *(stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left),
    )


def _same_padding(size: int, out: int, k: int, stride: int, dilation: int) -> int:
    window = (k - 1) * dilation + 1
    return max(0, ((out - 1) * stride + window - size) // 2)
