"""Batches of images: kernels for one image are called in a loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps

import numpy as np

from relocatable.graph.graph import Tensor
from relocatable.ops.operator import Kernel
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Output, PointerLoop
from relocatable.steps.kernel_call import KernelCall

_Lower = Callable[[Site], KernelCall | None]


def image_kernel(kernel: Kernel, image: int = 0) -> Kernel:
    """Make a kernel of images, [N, H, W, C], of one that takes a single one.

    Args:
        kernel: it sees a site whose image and output have a batch of 1.
        image: index of the operand that holds the images.
    """

    @wraps(kernel.lower)
    def lower(site: Site) -> KernelCall | None:
        images = site.output.shape[0]
        if images == 1:
            return kernel.lower(site)
        whole = (site.op.inputs[image], site.op.outputs[0])
        tensors = list(site.graph.tensors)
        for i in whole:
            tensors[i] = replace(tensors[i], shape=(1, *tensors[i].shape[1:]))
        one = replace(site, graph=replace(site.graph, tensors=tuple(tensors)))
        call = kernel.lower(one)
        if call is None:
            return None
        steps = {i: tensors[i] for i in whole}
        calls = tuple(_looped(call, part, images, steps) for part in call.calls)
        return replace(
            call,
            calls=calls,
            in_place={},
            macs=images * call.macs,
            rows=None,
            image_rows=call.rows,
        )

    return replace(kernel, lower=lower)


def _looped(call: KernelCall, part: CCall, images: int, steps: dict[int, Tensor]) -> CCall:
    """Put a loop around a call, each turn of which moves the pointers to images."""
    moves = []
    for argument in part.arguments:
        tensor = None
        if isinstance(argument, Input):
            tensor = steps.get(call.inputs[argument.index])
        elif isinstance(argument, Output):
            tensor = steps[call.outputs[argument.index]]
        moves.append(0 if tensor is None else _elements(tensor, argument))
    last = max(i for i, step in enumerate(moves) if step)
    return replace(part, loops=(PointerLoop(images, moves[: last + 1]), *part.loops))


def _elements(tensor: Tensor, argument: object) -> int:
    """Count the elements of one image as the kernel sees them."""
    as_type = getattr(argument, "as_type", "").removesuffix("_t")
    size = np.dtype(as_type or tensor.dtype).itemsize
    return tensor.size_bytes // size
