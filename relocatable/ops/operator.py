"""The description of an operator: all that the compiler knows of it is one value.

The reader takes the options from it, `support.py` the rules, `docs/OPS.md` their words,
`fold_constants` the meaning, `select_kernels` the kernels, and the sweep test the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import DTYPES, PORT_DTYPES, Graph, Tensor
from relocatable.ops.node import Node
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets import Feature

Array = npt.NDArray[Any]
Rng = np.random.Generator
# Whether a rule holds, and what was seen. The docstring is the rule's text, in refusals and pages.
Seen = tuple[bool, str]
Rule = Callable[[Node], Seen]
Sample = Callable[[Rng, str], Graph]

ANY = DTYPES
SAMPLED = PORT_DTYPES  # of operators that take any
MANY = 1000  # operands of an operator that joins any number of tensors


@dataclass(frozen=True)
class Options:
    """An operator's options in the schema of LiteRT.

    Attributes:
        table: name of the flatbuffer table.
        fields: those that mean something to the compiler, in snake case.
        enums: enumeration of a field, if only this operator has it.
        is_second: whether the file has it in `builtin_options_2`.
    """

    table: str
    fields: tuple[str, ...]
    enums: Mapping[str, str] = field(default_factory=dict)
    is_second: bool = False


@dataclass(frozen=True)
class CustomOptions:
    """A custom operator's options, which are a map of FlexBuffers.

    Attributes:
        defaults: those that mean something to the compiler, with their values if they are absent.
    """

    defaults: Mapping[str, int | float | bool]


@dataclass(frozen=True)
class StructOptions:
    """A custom operator's options, which are a C struct of 32-bit integers.

    Attributes:
        fields: names of the first ones; the struct may be longer.
    """

    fields: tuple[str, ...]


@dataclass(frozen=True)
class Operand:
    """An input.

    Attributes:
        name: for rules and messages.
        dtypes: element types that it may have.
        constant: whether its values must be known at compile time.
        optional: whether it may be absent.
        may_be_empty: whether it may have no values.
        below: bound of its values, which count from 0, in samples, since LiteRT refuses others;
            None if any will do.
    """

    name: str
    dtypes: tuple[str, ...]
    constant: bool = False
    optional: bool = False
    may_be_empty: bool = False
    below: Callable[[Node], int | None] | None = None


def always(site: Site) -> bool:
    """Take every operator."""
    return True


@dataclass(frozen=True)
class Kernel:
    """A way to compute an operator.

    Attributes:
        lower: makes the call; None if a closer look shows that this kernel cannot do it.
        needs: features that the target must have.
        without: features that the target must not have.
        takes: whether the kernel can do the operator as it stands in the graph.
    """

    lower: Callable[[Site], KernelCall | None]
    needs: tuple[Feature, ...] = ()
    without: tuple[Feature, ...] = ()
    takes: Callable[[Site], bool] = always

    def try_to_lower(self, site: Site) -> KernelCall | None:
        """Make the call; None if the target or the operator does not suit this kernel."""
        target = site.target
        suits = all(target.has(feature) for feature in self.needs)
        suits = suits and not any(target.has(feature) for feature in self.without)
        return self.lower(site) if suits and self.takes(site) else None


def never(node: Node) -> bool:
    """Say no for every operator."""
    return False


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A kind of operator.

    Attributes:
        kind: LiteRT's builtin name, such as "CONV_2D".
        operands: the inputs in order; optional ones last.
        output: element types that the output may have.
        shape: the rule of the output's shape; None if the result is always a constant.
        rules: further rules, asked in order after those of the operands and before `shape`; each
            may rely on those before it.
        options: None if the schema has none for it.
        is_variadic: whether the last operand may be repeated.
        outputs: smallest and largest number of outputs.
        kernels: in order of preference; empty if no step computes it.
        evaluate: the meaning in NumPy, of the node and the values of its inputs; a tuple if there
            may be several outputs.
        folds: when it is computed at compile time: "never", if all inputs are "constants", or if
            their "shapes" are known.
        known: finds the output if some of the inputs alone, which are constants, decide it; None if
            they do not.
        is_view: whether a node keeps all bytes as they are and thus needs no step.
        subgraphs: fields of the options that are indices of subgraphs, which the operator calls.
        is_call: whether it does just what its subgraph does: the reader puts that in its place.
        order: LiteRT's indices of the operands, if it has optional ones between others.
        hidden: index of LiteRT's intermediate tensor whose scale and zero point are the attributes
            `hidden_scale` (0: it has none) and `hidden_zero_point`.
        updates: indices of operands that LiteRT changes where they are; here each has a further
            output, its next value.
        output_shapes: finds the outputs' shapes, which files may leave out of this custom operator;
            as few as it can say.
        folder: where the files of its kernels are, if it is a user's own.
        memory: describes what it remembers from run to run, if a file has no tensor for that; the
            reader makes it a state, the last operand and, as its next value, the last output. Asked
            only of an operator that keeps the rules.
        reference: whose results its own must equal.
        micro: element types of the first input that LiteRT lacks: their reference is TFLite Micro.
        result: what is known of the output's values: "same" as the input's but for their type,
            "probabilities", a "distribution" (these sum to 1), or nothing; those of a view are the
            same, too.
        version: LiteRT's version of the operator in models that the tests write.
        samples: makes random graphs of one such operator for each element type of the first input,
            or for each way to combine types, by its name.
    """

    kind: str
    operands: tuple[Operand, ...]
    output: tuple[str, ...]
    shape: Rule | None
    rules: tuple[Rule, ...] = ()
    options: Options | CustomOptions | StructOptions | None = None
    is_variadic: bool = False
    outputs: tuple[int, int] = (1, 1)
    kernels: tuple[Kernel, ...] = ()
    evaluate: Callable[[Node, list[Array]], Array | tuple[Array, ...]] | None = None
    folds: Literal["never", "constants", "shapes"] = "never"
    known: Callable[[Node], Array | None] | None = None
    is_view: Callable[[Node], bool] = never
    subgraphs: tuple[str, ...] = ()
    is_call: bool = False
    order: tuple[int, ...] = ()
    hidden: int | None = None
    updates: tuple[int, ...] = ()
    output_shapes: Callable[[Node], Sequence[tuple[int, ...]]] | None = None
    folder: Path | None = None
    memory: Callable[[Node], Tensor] | None = None
    reference: Literal["LiteRT", "TFLite Micro", "MediaPipe", "Coral"] = "LiteRT"
    micro: tuple[str, ...] = ()
    result: Literal["", "same", "probabilities", "distribution"] = ""
    version: int = 2
    samples: Mapping[str, Sample] = field(default_factory=dict)

    def reference_for(self, dtype: str) -> str:
        """Name the reference of nodes whose first input has an element type."""
        return "TFLite Micro" if dtype in self.micro else self.reference

    @property
    def operand_counts(self) -> tuple[int, int]:
        """Smallest and largest number of inputs."""
        least = sum(not operand.optional for operand in self.operands)
        return least, MANY if self.is_variadic else len(self.operands)

    def operand(self, i: int) -> Operand:
        """Find the description of input i."""
        return self.operands[min(i, len(self.operands) - 1)]

    def lower(self, site: Site, is_frugal: bool = False) -> KernelCall:
        """Make the call of the first kernel that suits, or of that with the least scratch.

        Raises:
            UnsupportedError: there is none.
        """
        calls = (kernel.try_to_lower(site) for kernel in self.kernels)
        suiting = (call for call in calls if call is not None)
        if is_frugal:
            call = min(suiting, key=lambda call: call.scratch_bytes, default=None)
        else:
            call = next(suiting, None)
        if call is None:
            site.refuse("operator must have a kernel that takes it", self.kind)
        return call


def samples(make: Sample, dtypes: tuple[str, ...]) -> dict[str, Sample]:
    """Name one maker of samples for several element types."""
    return dict.fromkeys(dtypes, make)
