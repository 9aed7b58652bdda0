"""What a SavedModel's graph does, read before TensorFlow: it may only compute.

TensorFlow runs a graph of others while it loads, restores and simplifies it; operations read and
write files, call Python and load libraries. Every SavedModel holds some that write files: those of
its own saving. They may be in functions that only the outermost graph calls, which TensorFlow 2
does not run, and that no object of the model names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from host_sdk.converting.protobuf import ProtobufReader
from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError, UnsafeModelError

MOST_GRAPH_BYTES = 256 << 20
_MOST_FIELDS = 5_000_000
_MOST_DEPTH = 16  # of functions that are arguments of functions

# Numbers of fields, by message.
_META_GRAPHS = 2  # SavedModel
_GRAPH, _OBJECTS = 2, 7  # MetaGraphDef
_NODES, _LIBRARY = 1, 2  # GraphDef
_FUNCTIONS = 1  # FunctionDefLibrary
_SIGNATURE, _FUNCTION_NODES, _FUNCTION_ATTRIBUTES = 1, 3, 5  # FunctionDef
_NAME = 1  # of an OpDef, a NameAttrList, an entry of a map
_OPERATION, _NODE_ATTRIBUTES = 2, 5  # NodeDef
_VALUE = 2  # an entry of a map
_LIST, _FUNCTION = 1, 10  # AttrValue
_LIST_FUNCTIONS = 9  # AttrValue.ListValue
_ARGUMENTS = 2  # NameAttrList
_OBJECT_FUNCTIONS = 2  # SavedObjectGraph: a map, by name

_SAVING_FUNCTIONS = ("__inference__traced_save", "__inference__traced_restore")
_SAVING_OPERATIONS = frozenset(
    [
        "MergeV2Checkpoints",
        "RestoreV2",
        "SaveV2",
        "ShardedFilename",
        "StaticRegexFullMatch",
        "StringJoin",
    ]
)
_SWAPPED = "api_implements"  # a function that TensorFlow may put in another's place


@cache
def harmless_operations() -> frozenset[str]:
    """Read the operations that only compute, or hold variables."""
    text = Path(__file__).with_name("harmless_operations.toml").read_text(encoding="utf-8")
    return frozenset(name for group in tomllib.loads(text).values() for name in group.split())


def check_saved_model(data: bytes, place: str) -> None:
    """Refuse a SavedModel that does more than compute.

    Args:
        data: saved_model.pb.
        place: its folder, for errors.

    Raises:
        ModelFileError: it is no SavedModel of TensorFlow 2.
        UnsafeModelError: an operation is not on our list.
    """
    try:
        graph = _Graph.read(memoryview(data))
    except ModelFileError as error:
        raise ModelFileError(f"{place}: saved_model.pb {error}") from error
    for what, operations in graph.too_much():
        rule = f"operations of {plain_line(what, 100)} must only compute"
        raise UnsafeModelError(place, rule, plain_line(", ".join(operations), 200))


@dataclass
class _Body:
    """What a graph or a function does.

    Attributes:
        operations: their kinds.
        called: functions that they name.
        attributes: names of a function's own.
    """

    operations: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)


@dataclass
class _Graph:
    """What matters of a SavedModel.

    Attributes:
        outermost: what its graph does itself.
        functions: name -> what that does. Of several of one name, all that they do.
        objects: functions that the model's objects name.
    """

    outermost: _Body
    functions: Mapping[str, _Body]
    objects: set[str]

    @classmethod
    def read(cls, data: memoryview) -> _Graph:
        """Read saved_model.pb.

        Raises:
            ModelFileError: it is none of TensorFlow 2.
        """
        reader = ProtobufReader(_MOST_FIELDS)
        graphs = list(reader.messages(data, _META_GRAPHS))
        if len(graphs) != 1 or not list(reader.messages(graphs[0], _OBJECTS)):
            raise ModelFileError(
                "must be one graph with its objects, as TensorFlow 2 saves it; load an older one "
                "in TensorFlow and save it again"
            )
        outermost = _Body()
        functions: dict[str, _Body] = {}
        for inner in reader.messages(graphs[0], _GRAPH):
            _add_nodes(outermost, reader, inner, _NODES)
            for library in reader.messages(inner, _LIBRARY):
                for function in reader.messages(library, _FUNCTIONS):
                    signatures = list(reader.messages(function, _SIGNATURE))
                    names = {n for s in signatures for n in reader.texts(s, _NAME)} or {""}
                    for name in names:
                        body = functions.setdefault(name, _Body())
                        _add_nodes(body, reader, function, _FUNCTION_NODES)
                        for entry in reader.messages(function, _FUNCTION_ATTRIBUTES):
                            body.attributes.update(reader.texts(entry, _NAME))
        objects = {
            name
            for found in reader.messages(graphs[0], _OBJECTS)
            for entry in reader.messages(found, _OBJECT_FUNCTIONS)
            for name in reader.texts(entry, _NAME)
        }
        return cls(outermost, functions, objects)

    def too_much(self) -> Iterator[tuple[str, list[str]]]:
        """Yield what does more than compute, and by which operations."""
        named = self.objects.union(*(body.called for body in self.functions.values()))
        for name, body in (("the outermost graph", self.outermost), *self.functions.items()):
            allowed = harmless_operations()
            saves = body is not self.outermost and name.startswith(_SAVING_FUNCTIONS)
            if saves and name not in named and _SWAPPED not in body.attributes:
                allowed |= _SAVING_OPERATIONS
            # An operation that has a function's name is a call of that.
            bad = (body.operations - allowed) | (body.operations & set(self.functions))
            if bad:
                yield name, sorted(bad)


def _add_nodes(body: _Body, reader: ProtobufReader, owner: memoryview, number: int) -> None:
    for node in reader.messages(owner, number):
        body.operations.update(reader.texts(node, _OPERATION))
        for entry in reader.messages(node, _NODE_ATTRIBUTES):
            for value in reader.messages(entry, _VALUE):
                body.called.update(_called(reader, value, 0))


def _called(reader: ProtobufReader, value: memoryview, depth: int) -> Iterator[str]:
    """Yield the functions that an attribute names."""
    if depth > _MOST_DEPTH:
        raise ModelFileError(f"must nest functions at most {_MOST_DEPTH} deep in attributes")
    found = list(reader.messages(value, _FUNCTION))
    for values in reader.messages(value, _LIST):
        found += reader.messages(values, _LIST_FUNCTIONS)
    for function in found:
        yield from reader.texts(function, _NAME)
        for entry in reader.messages(function, _ARGUMENTS):
            for inner in reader.messages(entry, _VALUE):
                yield from _called(reader, inner, depth + 1)
