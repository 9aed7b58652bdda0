"""Read a .tflite file into a graph: the only file that knows LiteRT's schema.

The bytes are untrusted: every count, index and size is checked before it is used, and whatever the
flatbuffer readers stumble over becomes a `ModelError`.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from relocatable.errors import ModelError, UnsupportedError, Violation
from relocatable.explicit_states import (
    ONLY_CONSTANTS,
    Values,
    explicit_states,
    lift_variables,
    variable_name,
)
from relocatable.graph.edit import int_attr
from relocatable.graph.flexbuffers import FlexBufferError, Number, read_numbers
from relocatable.graph.graph import (
    DTYPES,
    STORED_DTYPES,
    AttrValue,
    Graph,
    GraphError,
    Op,
    Quant,
    Tensor,
    verify_graph,
)
from relocatable.graph.sparse import Level, SparseError, Sparsity, expand
from relocatable.limits import MOST_TENSOR_BYTES
from relocatable.ops import find_operator
from relocatable.ops._shared.old_weights import with_signed_weights
from relocatable.ops.inline import inline
from relocatable.ops.node import Node
from relocatable.ops.operator import CustomOptions, Operator, Options, StructOptions
from relocatable.ops.variable import ASSIGN_VARIABLE, CALL_ONCE, VAR_HANDLE
from relocatable.support import known_violations

_IDENTIFIER = b"TFL3"
_SCHEMA_VERSION = 3

# Bounds that no model for a microcontroller comes near; they keep a hostile file from costing
# more time and memory than its size.
_MAX_FILE_BYTES = 1 << 26
_MAX_SUBGRAPHS = 1_000
_MAX_TENSORS = 10_000
_MAX_OPS = 4_000
_MAX_OPERANDS = 100_000
_MAX_SCALES = 1 << 20
_MAX_RANK = 32  # what NumPy holds
_MAX_CONSTANT_BYTES = 1 << 28
_MAX_DEPTH = 8  # of subgraphs that call others
_MAX_SPARSE_BYTES = (1 << 24, 64)  # of dense arrays, and more for each byte of the file
_MAX_NAME = 200
_MAX_METADATA = 1_000
_MAX_TEXT_BYTES = 1 << 24

# Constants of fewer than 8 bits become int8, as LiteRT's kernels unpack them: the first value is in
# the lowest bits of a byte.
_PACKED_BITS = {"int4": 4, "int2": 2}
# Makes a sparse constant dense, which it is as soon as it is read.
_DENSIFY = "DENSIFY"

_DTYPE_RULE = f"dtype must be one of {', '.join(DTYPES)}"

# Kind, options, inputs and outputs.
_RawOp = tuple[str, dict[str, AttrValue], tuple[int, ...], tuple[int, ...]]

# Enumerations that fields of several operators have.
_ENUMS = {"padding": "Padding", "fused_activation_function": "ActivationFunctionType"}


def read_tflite(
    data: bytes, name: str, own_operators: Mapping[str, Operator] | None = None
) -> Graph:
    """Read a model.

    Args:
        data: the whole .tflite file.
        name: what to call the model in messages and in the blob.
        own_operators: operators that the package does not have, by their kinds.

    Returns:
        Its first subgraph, with the model's own tensor indices; a dynamic batch is 1. What the
        model keeps from run to run is explicit, and has further tensors.

    Raises:
        ModelError: the bytes are truncated, garbage or at odds with themselves.
        UnsupportedError: a tensor is of a kind that a `Graph` cannot hold.
    """
    schema = _schema()
    if len(data) < 8 or data[4:8] != _IDENTIFIER:
        raise ModelError(
            f"'{name}': bytes 4 to 8 of a .tflite must be {_IDENTIFIER!r}; are {data[4:8]!r}"
        )
    if len(data) > _MAX_FILE_BYTES:
        raise ModelError(
            f"'{name}': bytes of a .tflite must be at most {_MAX_FILE_BYTES}; are {len(data)}"
        )
    with _as_model_error(name):
        graph = _Reader(schema, data, name, own_operators or {}).graph()
        _verify(graph)
    return graph


def count_operators(data: bytes, name: str) -> Counter[str]:
    """Count the operators of a .tflite by kind, also of one that is refused.

    Args:
        data: the whole .tflite file.
        name: what to call the model in messages.

    Raises:
        ModelError: the bytes are truncated or garbage.
    """
    with _as_model_error(name):
        return _Reader(_schema(), data, name, {}).operator_counts()


@contextmanager
def _as_model_error(name: str) -> Iterator[None]:
    """Make a `ModelError` of what the flatbuffer readers stumble over."""
    try:
        yield
    except GraphError as error:
        raise ModelError(f"'{name}': {error}") from error
    except (
        struct.error,
        ValueError,
        TypeError,
        IndexError,
        AttributeError,
        OverflowError,
    ) as error:
        raise ModelError(
            f"'{name}': .tflite must be a whole flatbuffer; is truncated or damaged ({error})"
        ) from error


def _verify(graph: Graph) -> None:
    """Check a graph's own rules; refuse unknown operators, which may have others."""
    try:
        verify_graph(graph)
    except GraphError as error:
        kinds = {op.kind for op in graph.ops if find_operator(graph.own_operators, op.kind) is None}
        if not kinds:
            raise
        unknown = [v for v in known_violations(graph, ()) if v.op in kinds]
        raise UnsupportedError(unknown) from error


def read_metadata(data: bytes) -> bytes:
    """Read the buffer of a .tflite that holds its metadata; b"" if there is none.

    Args:
        data: the whole file, which `read_tflite` took.
    """
    model = _schema().Model.GetRootAs(data)
    try:
        for i in range(min(model.MetadataLength(), _MAX_METADATA)):
            entry = model.Metadata(i)
            if entry.Name() == b"TFLITE_METADATA" and 0 <= entry.Buffer() < model.BuffersLength():
                raw = model.Buffers(entry.Buffer()).DataAsNumpy()
                return raw.tobytes() if isinstance(raw, np.ndarray) else b""
    except (struct.error, ValueError, TypeError, IndexError, OverflowError):
        pass  # LiteRT takes such a file, too
    return b""


def _schema() -> ModuleType:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise ModelError(
            "reading .tflite needs ai-edge-litert: pip install 'xipnet[compile]'"
        ) from error
    module: ModuleType = schema_py_generated
    return module


# Kind, options, and the tensors that are read and written.


class _Reader:
    """One reading of one file; flatbuffer tables are visited lazily, each once."""

    def __init__(
        self, schema: ModuleType, data: bytes, name: str, own_operators: Mapping[str, Operator]
    ) -> None:
        self.schema = schema
        self.name = name
        self.own_operators = own_operators
        self.data = data
        self.file_bytes = len(data)
        self.model = schema.Model.GetRootAs(data)
        self.types = _names_by_number(schema.TensorType)
        self.kinds = _names_by_number(schema.BuiltinOperator)
        # Parts of a flatbuffer may be shared, so what is read in all is bounded too.
        self.tensor_count = 0
        self.op_count = 0
        self.constant_bytes = 0
        self.sparse_bytes = 0
        self.operand_count = 0
        self.refused: dict[int, Sequence[Violation]] = {}  # by the tensor's index
        self.scale_count = 0
        self.text_bytes = 0

    def graph(self) -> Graph:
        self.require("schema version must be", _SCHEMA_VERSION, self.model.Version())
        count = self.model.SubgraphsLength()
        if not 1 <= count <= _MAX_SUBGRAPHS:
            raise self.error("subgraphs", f"in [1, {_MAX_SUBGRAPHS}]", count)
        graph, variables = self.subgraph(0, ())
        names = (self.port_names(True, graph.inputs), self.port_names(False, graph.outputs))
        graph = replace(graph, input_names=names[0], output_names=names[1])
        self.require(
            "graph must have inputs and outputs; has both:",
            True,
            bool(graph.inputs and graph.outputs),
        )
        handles = {i for op in graph.ops if op.kind == VAR_HANDLE for i in op.outputs}
        if self.refused:
            rest = known_violations(graph, {*self.refused, *variables, *handles})
            raise UnsupportedError([*chain(*self.refused.values()), *rest])
        initial: dict[str, Values] = {}
        called = [int_attr(op, "init_subgraph_index") for op in graph.ops if op.kind == CALL_ONCE]
        try:
            for index in dict.fromkeys(called):
                initial |= self.initial_values(index)
            return explicit_states(graph, variables, initial)
        except UnsupportedError as error:
            rest = known_violations(graph, variables | handles)
            raise UnsupportedError([*error.violations, *rest]) from error

    def operator_counts(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        subgraphs = self.bounded("subgraphs", self.model.SubgraphsLength(), _MAX_SUBGRAPHS)
        for sub in map(self.model.Subgraphs, range(subgraphs)):
            self.op_count += sub.OperatorsLength()
            self.bounded("operators", self.op_count, _MAX_OPS)
            ops = map(sub.Operators, range(sub.OperatorsLength()))
            counts.update(self.kind(op.OpcodeIndex()) for op in ops)
        return counts

    def subgraph(self, index: int, callers: tuple[int, ...]) -> tuple[Graph, set[int]]:
        """Read a subgraph with all that it calls, and list its variable tensors.

        Args:
            index: of the subgraph.
            callers: the subgraphs that this call of it is in, from the first one on.
        """
        sub = self.model.Subgraphs(index)
        self.tensor_count += sub.TensorsLength()
        self.op_count += sub.OperatorsLength()
        self.bounded("tensors of all calls", self.tensor_count, _MAX_TENSORS)
        self.bounded("operators of all calls", self.op_count, _MAX_OPS)
        tensor_count, op_count = sub.TensorsLength(), sub.OperatorsLength()
        inputs = self.indices("graph inputs", sub.InputsLength(), sub.Inputs, tensor_count)
        outputs = self.indices("graph outputs", sub.OutputsLength(), sub.Outputs, tensor_count)
        raw_ops = [self.raw_op(sub.Operators(i), sub) for i in range(op_count)]
        computed = {i for _, _, _, written in raw_ops for i in written} | set(inputs)
        dense = self.densified(raw_ops, computed)
        raw_ops = [op for op in raw_ops if op[0] != _DENSIFY or op[3] not in dense]
        handles = {i for kind, _, _, written in raw_ops if kind == VAR_HANDLE for i in written}
        variables = {i for i in range(tensor_count) if sub.Tensors(i).IsVariable()}
        if callers and variables:
            rule = "variable tensors must be used by the main graph alone"
            raise _refuse(rule, f"by subgraph {index}", self.text(sub.Name()))
        computed |= variables
        placeholders = {*handles, *(i for written in dense for i in written)}
        tensors = [
            Tensor(self.text(sub.Tensors(i).Name()), (), "int32")
            if i in placeholders
            else self.known_tensor(i, sub, computed, bool(callers))
            for i in range(tensor_count)
        ]
        for (to,), source in dense.items():
            tensors[to] = replace(tensors[source], name=tensors[to].name)
        made = (self.op(raw, tensors, (*callers, index)) for raw in raw_ops)
        ops = tuple(chain.from_iterable(lift_variables(tensors, op) for op in made))
        parts = (self.name, tuple(tensors), ops, inputs, outputs, self.file_bytes)
        graph = with_signed_weights(Graph(*parts, own_operators=self.own_operators))
        return _with_shapes(graph if self.refused else _without_calls(graph)), variables

    def op(self, raw: _RawOp, tensors: Sequence[Tensor], callers: tuple[int, ...]) -> Op:
        """Make an operator, with the subgraphs that it calls."""
        kind, attrs, read, written = raw
        operator, subgraphs = find_operator(self.own_operators, kind), []
        for field in operator.subgraphs if operator else ():
            index = attrs.pop(field)
            if not isinstance(index, int) or not 0 < index < self.model.SubgraphsLength():
                wanted = f"in [1, {self.model.SubgraphsLength()})"
                raise self.error(f"subgraph of {kind}", wanted, index)
            self.bounded(f"{kind} in {kind} in ..: depth", len(callers), _MAX_DEPTH)
            subgraphs.append(self.subgraph(index, callers)[0])
        name = tensors[written[0]].name if written else kind
        return Op(kind, name, read, written, attrs, tuple(subgraphs))

    def densified(
        self, ops: Sequence[_RawOp], computed: Collection[int]
    ) -> dict[tuple[int, ...], int]:
        """Find what each operator reads that makes a constant dense."""
        return {
            written: read[0]
            for kind, _, read, written in ops
            if kind == _DENSIFY and len(read) == len(written) == 1
            if read[0] != -1 and read[0] not in computed
        }

    def port_names(self, is_input: bool, tensors: Sequence[int]) -> tuple[str, ...]:
        """Name inputs or outputs as the signature of the first subgraph does."""
        for i in range(self.bounded("signatures", self.model.SignatureDefsLength(), _MAX_TENSORS)):
            signature = self.model.SignatureDefs(i)
            if signature.SubgraphIndex() != 0:
                continue
            count = signature.InputsLength() if is_input else signature.OutputsLength()
            self.bounded("names of a signature", count, _MAX_TENSORS)
            maps = [signature.Inputs(k) if is_input else signature.Outputs(k) for k in range(count)]
            names = {m.TensorIndex(): self.text(m.Name()) for m in maps}
            return tuple(names.get(i, "") for i in tensors)
        return ()

    def initial_values(self, index: int) -> Mapping[str, Values]:
        """Read the constants that a subgraph assigns, by the names of the variables."""
        count = self.model.SubgraphsLength()
        if not 0 < index < count:
            raise self.error("subgraph of CALL_ONCE", f"in [1, {count})", index)
        sub = self.model.Subgraphs(index)
        op_count = self.bounded("operators", sub.OperatorsLength(), _MAX_OPS)
        handles: dict[int, str] = {}
        found: dict[str, Values] = {}
        for i in range(op_count):
            kind, attrs, read, written = self.raw_op(sub.Operators(i), sub)
            if kind == VAR_HANDLE and len(written) == 1:
                handles[written[0]] = variable_name(attrs)
                continue
            if kind != ASSIGN_VARIABLE or len(read) != 2 or -1 in read or read[0] not in handles:
                raise UnsupportedError([Violation(ONLY_CONSTANTS, kind, CALL_ONCE, self.name)])
            value = self.tensor(sub.Tensors(read[1]), False)
            if value.data is None:
                seen = f"computed '{value.name}'"
                raise UnsupportedError([Violation(ONLY_CONSTANTS, seen, CALL_ONCE, self.name)])
            found[handles[read[0]]] = value.data
        return found

    # Operators

    def raw_op(self, op: Any, sub: Any) -> _RawOp:
        kind, tensor_count = self.kind(op.OpcodeIndex()), sub.TensorsLength()
        read = self.indices(f"{kind} inputs", op.InputsLength(), op.Inputs, tensor_count, low=-1)
        written = self.indices(f"{kind} outputs", op.OutputsLength(), op.Outputs, tensor_count)
        operator = find_operator(self.own_operators, kind)
        attrs = self.attrs(kind, op)
        if operator is not None and operator.hidden is not None:
            attrs |= self.hidden(op, operator.hidden, sub)
        return kind, attrs, in_order(read, operator.order if operator else ()), written

    def hidden(self, op: Any, index: int, sub: Any) -> dict[str, AttrValue]:
        """Read the quantisation of an intermediate tensor, which has no values of its own."""
        at = int(op.Intermediates(index)) if op.IntermediatesLength() > index else -1
        scale, zero_point = 0.0, 0
        if 0 <= at < sub.TensorsLength():
            quant = self.quant(sub.Tensors(at), "intermediate", ())
            if quant is not None:
                scale, zero_point = quant.scale[0], quant.zero_point[0]
        return {"hidden_scale": scale, "hidden_zero_point": zero_point}

    def kind(self, code_index: int) -> str:
        if not 0 <= code_index < self.model.OperatorCodesLength():
            raise self.error(
                "operator code", f"in [0, {self.model.OperatorCodesLength()})", code_index
            )
        code = self.model.OperatorCodes(code_index)
        # Files older than schema 3a hold the number in the older, 8-bit field.
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        kind = self.kinds.get(number, f"BUILTIN_{number}")
        return f"CUSTOM {self.text(code.CustomCode())}" if kind == "CUSTOM" else kind

    def attrs(self, kind: str, op: Any) -> dict[str, AttrValue]:
        operator = find_operator(self.own_operators, kind)
        if operator is None or operator.options is None:
            return {}
        if isinstance(operator.options, CustomOptions):
            return self.custom_attrs(kind, operator.options.defaults, op)
        if isinstance(operator.options, StructOptions):
            return self.struct_attrs(kind, operator.options.fields, op)
        table, enums = operator.options.table, {**_ENUMS, **operator.options.enums}
        defaults = getattr(self.schema, f"{table}T")()
        options = self.options(kind, operator.options, op)
        attrs: dict[str, AttrValue] = {}
        for field in operator.options.fields:
            camel = "".join(part.capitalize() for part in field.split("_"))
            value = (
                getattr(options, camel)()
                if options is not None
                else getattr(defaults, camel[0].lower() + camel[1:])
            )
            attrs[field] = self.attr(f"{kind} {field}", enums.get(field), value)
        return attrs

    def custom_attrs(
        self, kind: str, defaults: Mapping[str, Number], op: Any
    ) -> dict[str, AttrValue]:
        """Read the options of a custom operator, each in the type of its default."""
        try:
            raw = _custom_bytes(op)
            found = read_numbers(raw) if raw else {}
            pairs = [(key, type(value), found.get(key, value)) for key, value in defaults.items()]
            return {key: to_type(value) for key, to_type, value in pairs}
        except (FlexBufferError, OverflowError, ValueError) as error:
            raise self.error(f"{kind} options", "a map of numbers", str(error)) from error

    def struct_attrs(self, kind: str, fields: Sequence[str], op: Any) -> dict[str, AttrValue]:
        """Read the options of a custom operator that are a C struct of 32-bit integers."""
        raw, size = _custom_bytes(op), 4 * len(fields)
        if len(raw) < size:
            raise self.error(f"bytes of {kind} options", f"at least {size}", len(raw))
        return dict(zip(fields, struct.unpack_from(f"<{len(fields)}i", raw), strict=True))

    def options(self, kind: str, described: Options, op: Any) -> Any:
        """Read the operator's options table; None if the file leaves it out."""
        if described.is_second:
            number, raw, union = op.BuiltinOptions2Type(), op.BuiltinOptions2(), "BuiltinOptions2"
        else:
            number, raw, union = op.BuiltinOptionsType(), op.BuiltinOptions(), "BuiltinOptions"
        if number == 0 or raw is None:
            return None
        if number != getattr(getattr(self.schema, union), described.table):
            raise self.error(f"{kind} options", described.table, f"number {number}")
        options = getattr(self.schema, described.table)()
        options.Init(raw.Bytes, raw.Pos)
        return options

    def attr(self, what: str, enum: str | None, value: Any) -> AttrValue:
        if enum is not None:
            names = _names_by_number(getattr(self.schema, enum))
            if value not in names:
                raise self.error(what, f"one of {sorted(names)}", value)
            return names[value]
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        if value is None or isinstance(value, bytes):
            return self.text(value)
        return float(value) if isinstance(value, (float, np.floating)) else int(value)

    # Tensors

    def known_tensor(
        self, index: int, sub: Any, computed: Collection[int], is_called: bool
    ) -> Tensor:
        """Read a tensor; note one that the main graph cannot hold, and put a scalar there."""
        raw = sub.Tensors(index)
        try:
            return self.tensor(raw, index in computed)
        except UnsupportedError as error:
            if is_called:
                raise
            self.refused[index] = error.violations
            return Tensor(self.text(raw.Name()), (), "float32")

    def tensor(self, raw: Any, computed: bool) -> Tensor:
        name = self.text(raw.Name())
        dtype = self.dtype(raw, name, computed)
        shape = self.shape(raw, name)
        size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
        most = MOST_TENSOR_BYTES if computed else _MAX_CONSTANT_BYTES
        if size > most:
            raise self.error(f"bytes of tensor '{name}'", f"at most {most}", size)
        read = self.constant if raw.Sparsity() is None else self.sparse_constant
        data = read(raw, name, shape, dtype, computed)
        if data is None and dtype not in DTYPES:
            raise _refuse(_DTYPE_RULE, dtype, name)
        return Tensor(name, shape, dtype, self.quant(raw, name, shape), data)

    def stored_type(self, raw: Any) -> str:
        """Name the type of a tensor as the file has it."""
        return self.types.get(raw.Type(), f"type {raw.Type()}").lower()

    def dtype(self, raw: Any, name: str, computed: bool) -> str:
        dtype = self.stored_type(raw)
        if dtype in _PACKED_BITS and not computed and raw.Sparsity() is None:
            return "int8"
        if dtype not in STORED_DTYPES:
            raise _refuse(_DTYPE_RULE, dtype, name)
        return dtype

    def shape(self, raw: Any, name: str) -> tuple[int, ...]:
        rank = self.bounded(f"dimensions of tensor '{name}'", raw.ShapeLength(), _MAX_RANK)
        shape = [int(raw.Shape(i)) for i in range(rank)]
        if shape and shape[0] == -1:
            shape[0] = 1
        if any(d < 0 for d in shape):
            raise _refuse("dimensions but for the batch must be fixed", str(shape), name)
        return tuple(shape)

    def constant(
        self, raw: Any, name: str, shape: tuple[int, ...], dtype: str, computed: bool
    ) -> npt.NDArray[np.generic] | None:
        stored = np.dtype(dtype).newbyteorder("<")
        count = int(np.prod(shape, dtype=np.int64))
        raw_bytes = self.buffer(raw, name)
        if raw_bytes is None:
            empty = not computed and count == 0
            return np.zeros(shape, dtype) if empty else None
        bits = _PACKED_BITS.get(self.stored_type(raw), 8 * stored.itemsize)
        size = -(-count * bits // 8)
        if bits >= 8:
            raw_bytes = raw_bytes[:size]  # some files pad them
        if len(raw_bytes) != size:
            raise self.error(f"bytes of constant '{name}'", str(size), len(raw_bytes))
        self.constant_bytes += count * stored.itemsize
        self.bounded("bytes of all constants", self.constant_bytes, _MAX_CONSTANT_BYTES)
        if bits < 8:
            return _unpack(raw_bytes, bits)[:count].reshape(shape)
        return raw_bytes.view(stored).astype(dtype, copy=False).reshape(shape)

    def sparse_constant(
        self, raw: Any, name: str, shape: tuple[int, ...], dtype: str, computed: bool
    ) -> npt.NDArray[np.generic] | None:
        """Read a sparse constant, which becomes dense."""
        stored = np.dtype(dtype).newbyteorder("<")
        raw_bytes = self.buffer(raw, name)
        if raw_bytes is None:  # of zeros alone
            raw_bytes = np.zeros(0, np.uint8)
        if computed:
            raise _refuse("must be a plain array or a sparse constant", "sparse", name)
        if len(raw_bytes) % stored.itemsize:
            rule = f"a multiple of {stored.itemsize}"
            raise self.error(f"bytes of constant '{name}'", rule, len(raw_bytes))
        self.sparse_bytes += int(np.prod(shape, dtype=np.int64)) * stored.itemsize
        base, per_byte = _MAX_SPARSE_BYTES
        most = base + per_byte * self.file_bytes
        self.bounded("bytes of sparse constants, made dense,", self.sparse_bytes, most)
        values = raw_bytes.view(stored).astype(dtype, copy=False)
        try:
            return expand(values, shape, self.sparsity(raw.Sparsity()), self.file_bytes)
        except SparseError as error:
            raise ModelError(f"'{self.name}': sparse constant '{name}': {error}") from error

    def sparsity(self, raw: Any) -> Sparsity:
        lengths = (raw.TraversalOrderLength(), raw.BlockMapLength(), raw.DimMetadataLength())
        for count in lengths:
            self.bounded("levels and blocks of a sparse constant", count, 2 * _MAX_RANK)
        return Sparsity(
            [int(raw.TraversalOrder(i)) for i in range(lengths[0])],
            [int(raw.BlockMap(i)) for i in range(lengths[1])],
            [self.level(raw.DimMetadata(i)) for i in range(lengths[2])],
        )

    def level(self, raw: Any) -> Level:
        if raw.Format() == self.schema.DimensionType.DENSE:
            return Level(int(raw.DenseSize()))
        segments = self.index_vector(raw.ArraySegmentsType(), raw.ArraySegments())
        indices = self.index_vector(raw.ArrayIndicesType(), raw.ArrayIndices())
        return Level(int(raw.DenseSize()), segments, indices)

    def index_vector(self, number: int, raw: Any) -> npt.NDArray[np.int64]:
        names = _names_by_number(self.schema.SparseIndexVector)
        if raw is None or number not in names or names[number] == "NONE":
            raise self.error("indices of a sparse constant", "a vector", f"number {number}")
        vector = getattr(self.schema, names[number])()
        vector.Init(raw.Bytes, raw.Pos)
        if vector.ValuesLength() == 0:
            return np.zeros(0, np.int64)
        return np.asarray(vector.ValuesAsNumpy(), np.int64)

    def buffer(self, raw: Any, name: str) -> npt.NDArray[np.uint8] | None:
        """Find a tensor's bytes in the file; None if it has none."""
        index = raw.Buffer()
        if not 0 <= index < self.model.BuffersLength():
            raise self.error(
                f"buffer of tensor '{name}'", f"in [0, {self.model.BuffersLength()})", index
            )
        buffer = self.model.Buffers(index)
        if buffer.Offset() > 1:
            return self.behind(buffer, name)
        if buffer.DataLength() == 0:
            return None
        found: npt.NDArray[np.uint8] = buffer.DataAsNumpy().view(np.uint8)
        return found

    def behind(self, buffer: Any, name: str) -> npt.NDArray[np.uint8]:
        """Find bytes that lie behind the flatbuffer, as those of files above 2 GB do."""
        begin, size = buffer.Offset(), buffer.Size()
        if begin + size > self.file_bytes:
            wanted = f"in [0, {self.file_bytes}]"
            raise self.error(f"end of constant '{name}'", wanted, begin + size)
        return np.frombuffer(self.data, np.uint8, size, begin)

    def quant(self, raw: Any, name: str, shape: tuple[int, ...]) -> Quant | None:
        quant = raw.Quantization()
        if quant is None or quant.ScaleLength() == 0:
            return None
        count = quant.ScaleLength()
        axis = int(quant.QuantizedDimension())
        if shape == (count,):
            axis = 0  # some files name a dimension of the filter for its bias
        if count > 1 and not (0 <= axis < len(shape) and shape[axis] == count):
            raise self.error(
                f"scales of tensor '{name}'", "as many as its quantised dimension is long", count
            )
        self.scale_count += count
        self.bounded("scales of all tensors", self.scale_count, _MAX_SCALES)
        if quant.ZeroPointLength() not in (0, count):
            raise self.error(f"zero points of '{name}'", str(count), quant.ZeroPointLength())
        scale = tuple(float(v) for v in quant.ScaleAsNumpy())
        zero = tuple(int(v) for v in quant.ZeroPointAsNumpy()) if quant.ZeroPointLength() else ()
        if scale == (0.0,):
            return None  # what some files say of tensors without a scale
        # Of several channels some may be dead, with weights of 0.
        if not all(np.isfinite(s) and (s > 0 or (s == 0 and count > 1)) for s in scale):
            raise self.error(f"scales of tensor '{name}'", "finite and > 0", scale[:4])
        return Quant(scale, zero or (0,) * count, axis if count > 1 else None)

    # Checks

    def indices(
        self, what: str, count: int, at: Callable[[int], int], tensor_count: int, low: int = 0
    ) -> tuple[int, ...]:
        self.operand_count += count
        self.bounded(f"{what} and those before them", self.operand_count, _MAX_OPERANDS)
        found = tuple(int(at(i)) for i in range(count))
        for index in found:
            if not low <= index < tensor_count:
                raise self.error(what, f"in [{low}, {tensor_count})", index)
        return found

    def text(self, raw: bytes | None) -> str:
        """Make a name fit for a message; it is copied whole before it is cut."""
        self.text_bytes += len(raw or b"")
        self.bounded("bytes of all names", self.text_bytes, _MAX_TEXT_BYTES)
        return _text(raw)

    def bounded(self, what: str, value: int, most: int) -> int:
        if not 0 <= value <= most:
            raise self.error(what, f"in [0, {most}]", value)
        return value

    def require(self, rule: str, wanted: object, seen: object) -> None:
        if wanted != seen:
            raise ModelError(f"'{self.name}': {rule} {wanted}; is {seen}")

    def error(self, what: str, wanted: str, seen: object) -> ModelError:
        return ModelError(f"'{self.name}': {what} must be {wanted}; is {seen}")


def _unpack(packed: npt.NDArray[np.uint8], bits: int) -> npt.NDArray[np.int8]:
    """Split bytes into signed values, from the lowest bits on."""
    left = np.arange(8 - bits, -1, -bits, dtype=np.uint8)  # brings each value's sign to the top
    values = (packed[:, None] << left).astype(np.uint8).view(np.int8) >> np.int8(8 - bits)
    return values.reshape(-1)


def in_order(read: tuple[int, ...], order: Sequence[int]) -> tuple[int, ...]:
    """Bring a file's inputs into the order of the operator's operands."""
    if not order:
        return read
    wanted = [read[i] if i < len(read) else -1 for i in order] + list(read[len(order) :])
    while wanted and wanted[-1] == -1:
        wanted.pop()
    return tuple(wanted)


def _custom_bytes(op: Any) -> bytes:
    raw = op.CustomOptionsAsNumpy()
    return raw.tobytes() if isinstance(raw, np.ndarray) else b""


def _without_calls(graph: Graph) -> Graph:
    """Put what operators stand for in their places."""
    tensors, ops = list(graph.tensors), []
    for op in graph.ops:
        operator = find_operator(graph.own_operators, op.kind)
        if operator is not None and operator.is_call:
            ops += inline(tensors, op, op.subgraphs[0], op.inputs)
        else:
            ops.append(op)
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))


def _with_shapes(graph: Graph) -> Graph:
    """Give outputs of custom operators the shapes that the file leaves out."""
    tensors = list(graph.tensors)
    for op in graph.ops:
        operator = find_operator(graph.own_operators, op.kind)
        if operator is None or operator.output_shapes is None:
            continue
        inputs = tuple(tensors[i] for i in op.inputs if i != -1)
        node = Node(op, inputs, tuple(tensors[i] for i in op.outputs))
        for i, shape in zip(op.outputs, operator.output_shapes(node), strict=False):
            tensor = replace(tensors[i], shape=shape)
            fits = min(shape, default=0) >= 0 and tensor.size_bytes <= MOST_TENSOR_BYTES
            if fits and tensors[i].shape == () and tensor.data is None:
                tensors[i] = tensor
    return replace(graph, tensors=tuple(tensors))


def _names_by_number(enum: type) -> dict[int, str]:
    return dict(_enum_items(enum))


def _enum_items(enum: type) -> Iterator[tuple[int, str]]:
    for name, number in vars(enum).items():
        if isinstance(number, int) and not name.startswith("_"):
            yield number, name


def _text(raw: bytes | None) -> str:
    """Make a name fit for a message: bounded, one line."""
    text = (raw or b"")[: 4 * _MAX_NAME].decode("utf-8", "replace")[:_MAX_NAME]
    return "".join(c if c.isprintable() else "?" for c in text)


def _refuse(rule: str, value: str, tensor: str) -> UnsupportedError:
    return UnsupportedError([Violation(rule, value, "", tensor)])
