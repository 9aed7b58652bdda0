"""What the kernel choice says of one operator: the C call, its packed constants, its needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class KernelCall:
    """One step of the program.

    The body is C text in which the emitter has names for everything that has an address: `IN0`,
    `IN1`, .. and `OUT0`, .. point to the operator's tensors (typed by dtype; constants lie in the
    weights), `W_<key>` to the entries of `weights`, `SCRATCH` (uint8_t *) to the scratch.

    Attributes:
        kind: the operator's kind, such as "CONV_2D".
        name: for reports and messages.
        source: kernel file to include, relative to kernels/, such as "conv_2d.c".
        body: C statements of the step's function; may `return` a negative number.
        inputs: tensor indices that the body reads from the arena or as constants.
        outputs: tensor indices that the body writes.
        weights: packed constant arrays by key, put into the weights section 16-aligned.
        scratch_bytes: arena bytes that the step alone needs while it runs, 16-aligned.
        in_place: indices into `inputs` whose memory OUT0 may take over exactly (same address).
        macs: multiply-accumulates of the operator's definition.
    """

    kind: str
    name: str
    source: str
    body: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    weights: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    scratch_bytes: int = 0
    in_place: tuple[int, ...] = ()
    macs: int = 0
