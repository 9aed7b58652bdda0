"""Calls of kernels as data, and the one place that writes them as C.

A call names what it touches by kind (tensor, constant, scratch); which names and addresses these
have in the C text is the emitter's business (codegen/emit_c.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import NamedTuple, TypeAlias

import numpy as np

_C_TYPES = {
    "bool": "uint8_t",
    "complex64": "float",
    "float16": "__fp16",
    "float32": "float",
    "float64": "double",
}


def c_type(dtype: str) -> str:
    """Name an element type in C; a complex number is two elements."""
    return _C_TYPES.get(dtype, f"{dtype}_t")


def type_suffix(dtype: str) -> str:
    """Abbreviate an element type, as names of template instances end: "int8" as "i8"."""
    return dtype[0] + dtype.lstrip(ascii_lowercase)


def template_macros(dtype: str) -> dict[str, str]:
    """Define what a kernel template reads while it is included for an element type."""
    return {
        "XN_T": c_type(dtype),
        "XN_SUFFIX": type_suffix(dtype),
        "XN_IS_FLOAT": str(int(dtype.startswith("float"))),
        "XN_IS_UNSIGNED": str(int(dtype.startswith("uint"))),
        "XN_IS_16_BITS": str(int(dtype == "int16")),
        "XN_IS_PART": "0",
    }


@dataclass(frozen=True)
class Input:
    """A pointer to the step's input i, at the first row that it reads.

    Attributes:
        index: into `KernelCall.inputs`.
        as_type: element type that the kernel sees, if it is not the tensor's own.
    """

    index: int
    as_type: str = ""

    def text(self) -> str:
        """C expression."""
        return _cast(f"const {self.as_type}", f"IN{self.index}") if self.as_type else self.name

    @property
    def name(self) -> str:
        """The emitter's name of it."""
        return f"IN{self.index}"


@dataclass(frozen=True)
class Output:
    """A pointer to the step's output `index`, at the first row that it makes."""

    as_type: str = ""
    index: int = 0

    def text(self) -> str:
        """C expression."""
        return _cast(self.as_type, f"OUT{self.index}") if self.as_type else f"OUT{self.index}"


@dataclass(frozen=True)
class Constant:
    """A pointer to an entry of `KernelCall.weights`."""

    key: str

    def text(self) -> str:
        """C expression."""
        return f"W_{self.key}"


@dataclass(frozen=True)
class Scratch:
    """A pointer into the step's scratch.

    Attributes:
        as_type: element type.
        offset_bytes: a multiple of the type's size.
    """

    as_type: str
    offset_bytes: int = 0

    def text(self) -> str:
        """C expression."""
        at = f"(SCRATCH + {self.offset_bytes})" if self.offset_bytes else "SCRATCH"
        return _cast(self.as_type, at)


@dataclass(frozen=True)
class Struct:
    """A pointer to a constant struct that is made on the stack before the call.

    Attributes:
        type_name: of the struct.
        name: of the variable.
        fields: initialiser.
    """

    type_name: str
    name: str
    fields: Mapping[str, CValue]

    def text(self) -> str:
        """C expression."""
        return f"&{self.name}"

    def declaration(self) -> str:
        """Write the C statements that must stand before it is used."""
        inner = "".join(v.declaration() for v in self.fields.values() if isinstance(v, Struct))
        return f"{inner}const {self.type_name} {self.name} = {c_value(self.fields)};\n"


@dataclass(frozen=True)
class RowCount:
    """A number that depends on how many rows a call makes; on purpose no int.

    Attributes:
        text: C expression of ROWS (rows that the call makes), IN_ROWS (rows of the input from the
            first one that it reads), ABOVE (rows of padding above that) and FIRST_ROW.
    """

    text: str

    @classmethod
    def times(cls, factor: int) -> RowCount:
        """Multiply: so many for each row that the call makes."""
        return cls(f"ROWS * {factor}")


@dataclass(frozen=True)
class Name:
    """A C constant, type or macro by its name."""

    text: str


ROWS, IN_ROWS, ABOVE = RowCount("ROWS"), RowCount("IN_ROWS"), RowCount("ABOVE")
FIRST_ROW = RowCount("FIRST_ROW")

CPointer: TypeAlias = Input | Output | Constant | Scratch | Struct
CValue: TypeAlias = (
    "int | float | np.floating | RowCount | Name | CPointer | Mapping[str, CValue]"
    " | Sequence[CValue]"
)


class PointerLoop(NamedTuple):
    """A loop around a call, for what its kernel has no loop of its own for.

    Attributes:
        turns: how many.
        steps: elements by which each turn moves the first arguments, which are pointers.
    """

    turns: int
    steps: Sequence[int]


@dataclass(frozen=True)
class ChannelLoop:
    """A loop around a call that makes some output channels in each turn.

    Attributes:
        outputs: output channels in all.
        unpack: unpacks the filters of a turn; None: there is one turn, whose filters are plain.
    """

    outputs: int
    unpack: Unpack | None = None

    def heads(self) -> list[str]:
        """Write the C statements before the loop, and the loop's own."""
        if self.unpack is None:
            return [f"const int32_t begin = 0, end = {self.outputs};\n"]
        return self.unpack.heads(self.outputs)


@dataclass(frozen=True)
class Unpack:
    """The unpacking of some blocks of a filter into scratch.

    Attributes:
        function: a template; its file has the same name, without "xn_".
        dtype: unsigned integer of the size of the filter's values.
        channels: of a block.
        blocks: that are unpacked in a turn.
        start: where the first one begins in the constant.
        to: where the filters go.
        params: fields of xn_packed.
    """

    function: str
    dtype: str
    channels: int
    blocks: int
    start: int
    to: Scratch
    params: Mapping[str, CValue]

    @property
    def source(self) -> str:
        """The kernel's file."""
        return f"ops/_shared/{self.function.removeprefix('xn_')}.c"

    def heads(self, outputs: int) -> list[str]:
        """Write the C statements before the loop, and its head, a block that stays open."""
        turn = self.channels * self.blocks
        packed, book = "(const uint8_t *)W_filter", f"(const {c_type(self.dtype)} *)W_filter"
        count = f"(end - begin + {self.channels - 1}) / {self.channels}"
        call = f"{self.function}_{type_suffix(self.dtype)}"
        return [
            f"KEPT const xn_packed packed = {c_value(self.params)};\n",
            f"const uint8_t *from = {packed} + {self.start};\n",
            f"for (int32_t begin = 0; begin < {outputs}; begin += {turn}) {{\n",
            f"int32_t end = xn_min(begin + {turn}, {outputs});\n",
            f"from = {call}(from, {book}, {c_value(self.to)}, {count}, &packed);\n",
        ]


@dataclass(frozen=True)
class CCall:
    """The call of one kernel.

    Attributes:
        function: the kernel, or a macro that makes its loop.
        arguments: pointers and values, in order.
        params: fields of its constants, passed by address as the last argument; {}: it takes none.
        params_type: their type; by default the function's name and "_params".
        dtype: element type of the template instance; "" if the kernel is no template.
        loops: around the call, outermost first.
        channels: around these: the kernel makes some channels, which its last arguments but one
            say; None: it makes all.
    """

    function: str
    arguments: Sequence[CPointer | CValue]
    params: Mapping[str, CValue] = field(default_factory=dict)
    params_type: str = ""
    dtype: str = ""
    loops: Sequence[PointerLoop] = ()
    channels: ChannelLoop | None = None

    def text(self) -> str:
        """C statements; their names are visible to what follows."""
        made = [a.declaration() for a in self.arguments if isinstance(a, Struct)]
        arguments = [c_value(a) for a in self.arguments]
        if self.channels:
            arguments += ["begin", "end"]
        if self.params:
            type_name = self._instance(self.params_type or f"{self.function}_params")
            made.append(f"KEPT const {type_name} params = {c_value(self.params)};\n")
            arguments.append("&params")
        heads = [
            f"for (int32_t loop{i} = 0; loop{i} < {loop.turns}; loop{i}++)\n"
            for i, loop in enumerate(self.loops)
        ]
        for i, loop in enumerate(self.loops):
            for at, step in enumerate(loop.steps):
                arguments[at] += f" + loop{i} * {step}"
        call = f"{self._instance(self.function)}({', '.join(arguments)});"
        if self.channels is None:
            return "".join((*made, *heads, call))
        ends = "\n}" if self.channels.unpack else ""
        return "".join((*made, *self.channels.heads(), *heads, call, ends))

    def _instance(self, name: str) -> str:
        return f"{name}_{type_suffix(self.dtype)}" if self.dtype else name


def c_value(value: CValue | CPointer) -> str:
    """Write a C initialiser or expression."""
    match value:
        case Input() | Output() | Constant() | Scratch() | Struct():
            return value.text()
        case RowCount(text) | Name(text):
            return text
        case Mapping():
            return "{" + ", ".join(f".{key} = {c_value(v)}" for key, v in value.items()) + "}"
        case bool() | int() | np.integer():
            return f"(-{abs(int(value) + 1)} - 1)" if value < 0 else str(int(value))
        case float() | np.floating():
            return f"{float(value).hex()}f"
        case _:
            return "{" + ", ".join(c_value(v) for v in value) + "}"


def c_body(calls: Sequence[CCall]) -> str:
    """Write a step's statements: all calls in order."""
    texts = [call.text() for call in calls]
    if len(texts) > 1:
        texts = [f"{{\n{text}\n}}" for text in texts]
    return "\n".join((*texts, "return 0;"))


def _cast(type_name: str, expression: str) -> str:
    return f"({type_name} *){expression}"
