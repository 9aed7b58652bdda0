"""What a .pt2 of `torch.export` holds, rebuilt from what is known to be harmless.

PyTorch's own reader unpickles parts of the archive, calls what a node names, writes names into
programs that it runs, and hands expressions to `eval`. So torch gets another archive, made here:
descriptions in JSON of which only known fields remain, each text by a rule; tensors as plain
bytes; no pickle.
"""

from __future__ import annotations

import json
import keyword
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from host_sdk.converting.archive import copy_member, open_archive, read_member
from host_sdk.converting.private_copy import MOST_BYTES
from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError, UnsafeModelError

_MOST_JSON_BYTES = 64 << 20
_MOST_DEPTH = 60
_SHOWN = 80

_OPERATOR = re.compile(r"torch\.ops\.aten\.[a-z_0-9]+\.[A-Za-z_0-9]+")
_ARITHMETIC_NAMES = """
add sub mul floordiv truediv mod neg pow eq ne lt le gt ge getitem and_ or_
"""
_ARITHMETIC = frozenset(f"_operator.{name}" for name in _ARITHMETIC_NAMES.split())
_FILES = "from_file"  # the operator of aten that opens one
_DIMENSION = re.compile(r"[suz]\d{1,9}")
# Of open dimensions: sympy's own makers, on numbers and dimensions.
_SYMBOL = r"Symbol\('[suz]\d{1,9}'(?:, (?:positive|integer|nonnegative)=True){0,3}\)"
_MAKERS = r"(?:Mul|Add|Integer|FloorDiv|Mod|Max|Min)\("
_NUMBERS = r"(?:[suz]\d{1,9}|-?\d{1,18})(?!\d)"  # so each is read in one way
_EXPRESSION = re.compile(rf"(?:{_SYMBOL}|{_MAKERS}|{_NUMBERS}|\)|, ){{1,200}}")
_NAME = re.compile(r"[A-Za-z_]\w{0,199}", re.ASCII)
_PATH = re.compile(r"\w+(\.\w+)*|", re.ASCII)
_MODE = re.compile(r"[a-z_]{0,30}")
_EINSUM = re.compile(r"[A-Za-z,.>\- ]{1,200}")
_WEIGHT = re.compile(r"(weight|tensor)_\d{1,9}")
_TREES = ("builtins.tuple", "builtins.list", "builtins.dict", None)

# Kinds of arguments: field -> what it holds.
_PLAIN_TEXT = """
as_none as_int as_ints as_float as_floats as_bool as_bools as_scalar_type as_memory_format
as_layout as_device as_tensor as_tensors as_sym_int as_sym_ints as_sym_bool as_sym_bools
as_sym_float as_sym_floats as_string as_strings as_optional_tensors as_optional_tensor as_name
as_expr as_nested_tensors as_int_lists
"""
_PLAIN = frozenset(_PLAIN_TEXT.split())
_SPECS_TEXT = """
user_input parameter buffer tensor_constant constant_input user_output buffer_mutation
"""
_SPECS = frozenset(_SPECS_TEXT.split())
# Other fields whose values are fields, numbers or names again.
_FIELDS_TEXT = """
inputs outputs nodes target name arg kind is_hop_single_tensor_return tensor_values sym_int_values
sym_bool_values sym_float_values is_single_tensor_return dtype sizes strides requires_grad
storage_offset layout hint expr_str input_specs output_specs persistent value parameter_name
buffer_name tensor_constant_name
"""
_FIELDS = frozenset(_FIELDS_TEXT.split())
_EMPTY = ("custom_obj_values",)  # must be


def rebuild_pt2(path: Path, to: Path) -> None:
    """Write the archive that torch gets.

    Args:
        path: of a .pt2.
        to: where; it is made.

    Raises:
        ModelFileError: it is damaged, or of another PyTorch.
        UnsafeModelError: it could run code.
    """
    place = plain_line(str(path))
    with open_archive(path) as archive:
        names = archive.namelist()
        roots = {name.split("/")[0] for name in names}
        if len(roots) != 1 or len(set(names)) < len(names):
            raise ModelFileError(f"{place} must have one folder, and each member once")
        root = roots.pop()
        models = [PurePosixPath(n) for n in names if re.fullmatch(r"[^/]+/models/[^/]+\.json", n)]
        if len(models) != 1:
            raise ModelFileError(
                f"{place} must hold one program of torch.export; holds {len(models)}{_hint(names)}"
            )
        rebuild = _Rebuild(place)
        program = rebuild.program(_read(archive, str(models[0]), place))
        with zipfile.ZipFile(to, "x") as checked:
            _write(checked, "models/model.json", json.dumps(program))
            for kind, start in (("weights", "weight_"), ("constants", "tensor_")):
                config = f"{root}/data/{kind}/{models[0].stem}_{kind}_config.json"
                held = rebuild.payload(_read(archive, config, place), start)
                _write(checked, f"data/{kind}/model_{kind}_config.json", json.dumps(held))
                for file in dict.fromkeys(one["path_name"] for one in held["config"].values()):
                    info = zipfile.ZipInfo(f"model/data/{kind}/{file}")
                    with checked.open(info, "w", force_zip64=True) as member:
                        source = f"{root}/data/{kind}/{file}"
                        copy_member(archive, source, member, MOST_BYTES)  # type: ignore[arg-type]
            _write(checked, "data/sample_inputs/model.pt", "")
            _write(checked, "archive_format", "pt2")
            _write(checked, "archive_version", "0")
            _write(checked, "byteorder", "little")
            _write(checked, ".data/version", "3\n")


def _hint(names: list[str]) -> str:
    if any("/serialized_exported_program.json" in f"/{name}" for name in names):
        return ": PyTorch before 2.8 wrote it; load it there, and save it by a newer one"
    if any("/aotinductor/" in name for name in names):
        return ": it is compiled for a PC; save what torch.export.export gives"
    return ""


def _write(archive: zipfile.ZipFile, name: str, text: str) -> None:
    archive.writestr(f"model/{name}", text)


def _read(archive: zipfile.ZipFile, name: str, place: str) -> dict[str, Any]:
    try:
        found = json.loads(read_member(archive, name, _MOST_JSON_BYTES))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{place}, {plain_line(name)}: must be JSON; {error}") from error
    if not isinstance(found, dict):
        raise ModelFileError(f"{place}, {plain_line(name)}: must be an object")
    return found


class _Rebuild:
    """Makes descriptions again, of what is known."""

    def __init__(self, place: str) -> None:
        self._place = place

    def program(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Make the description of an exported program."""
        module = self._part(data, "graph_module")
        graph, signature = self._part(module, "graph"), self._part(module, "signature")
        return {
            "graph_module": {
                "graph": self._value(graph, "graph", 0),
                "signature": self._value(signature, "signature", 0),
                "module_call_graph": self._calls(module.get("module_call_graph")),
                "metadata": {},
                "treespec_namedtuple_fields": {},
            },
            "opset_version": {"aten": self._int(self._part(data, "opset_version").get("aten"))},
            "range_constraints": {
                self._text(key, _DIMENSION, "a dimension"): {
                    "min_val": self._bound(limits, "min_val"),
                    "max_val": self._bound(limits, "max_val"),
                }
                for key, limits in self._part(data, "range_constraints").items()
            },
            "schema_version": {
                key: self._int(self._part(data, "schema_version").get(key))
                for key in ("major", "minor")
            },
            "verifiers": ["TRAINING"],
            "torch_version": "",
            "guards_code": [],
        }

    def payload(self, data: Mapping[str, Any], start: str) -> dict[str, Any]:
        """Make the description of tensors and the members that hold them."""
        config = {}
        for name, held in self._part(data, "config").items():
            if not isinstance(held, dict):
                raise ModelFileError(f"{self._place}: a tensor must be described")
            if held.get("use_pickle") is not False:
                raise self._unsafe("a tensor must be plain bytes", f"a pickle for {name}")
            file = self._text(held.get("path_name"), _WEIGHT, "a member with values")
            if not file.startswith(start):
                raise self._unsafe("values must be tensors", file)
            config[self._text(name, _PATH, "a tensor's name")] = {
                "path_name": file,
                "is_param": held.get("is_param") is True,
                "use_pickle": False,
                "tensor_meta": self._value(self._part(held, "tensor_meta"), "tensor_meta", 0),
            }
        return {"config": config}

    def _value(self, value: Any, key: str, depth: int) -> Any:
        """Make a value again; `key` is the field that holds it."""
        if depth > _MOST_DEPTH:
            raise ModelFileError(f"{self._place}: must nest at most {_MOST_DEPTH} deep")
        if isinstance(value, dict):
            return self._fields(value, key, depth)
        if isinstance(value, list):
            return [self._value(one, key, depth + 1) for one in value]
        if isinstance(value, str):
            return self._string(value, key)
        return value  # a number, true, false, null

    def _fields(self, value: Mapping[str, Any], key: str, depth: int) -> dict[str, Any]:
        if key == "metadata":
            return {}
        if key in ("device", "as_device"):
            return {"type": "cpu", "index": None}
        if key in ("tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values"):
            return {
                self._text(name, _NAME, "a value's name"): self._value(one, "value", depth + 1)
                for name, one in value.items()
            }
        made: dict[str, Any] = {}
        for name, inner in value.items():
            if name in _EMPTY:
                if inner:
                    raise self._unsafe("objects must be tensors", _shown(inner))
                made[name] = {}
            elif name in ("metadata", "device"):
                made[name] = self._fields({}, name, depth)
            elif name in _FIELDS | _PLAIN | _SPECS:
                made[name] = self._value(inner, name, depth + 1)
            else:
                raise self._unsafe("fields must be known ones that only compute", _shown(name))
        return made

    def _string(self, text: str, key: str) -> str:
        if key == "target":
            if _FILES in text:
                raise self._unsafe("an operator must not open files", _shown(text))
            rule = "an operator of aten (torch.ops.aten.NAME.OVERLOAD)"
            return text if text in _ARITHMETIC else self._text(text, _OPERATOR, rule)
        if key == "expr_str":
            return self._text(text, _EXPRESSION, "a dimension")
        if key in ("as_string", "as_strings"):
            return text if _EINSUM.fullmatch(text) else self._text(text, _MODE, "a mode")
        if key in ("parameter_name", "buffer_name", "tensor_constant_name"):
            return self._text(text, _PATH, "a tensor's name")
        if text == "":
            return text
        return self._text(text, _NAME, "a name")

    def _calls(self, value: Any) -> list[dict[str, Any]]:
        """Make how the outermost module is called; the others say nothing that is needed."""
        first = value[0] if isinstance(value, list) and value else None
        signature = first.get("signature") if isinstance(first, dict) else None
        if not isinstance(signature, dict) or not first or first.get("fqn") != "":
            raise ModelFileError(f"{self._place}: must say how the outermost module is called")
        names = self._list(signature.get("forward_arg_names"))
        return [
            {
                "fqn": "",
                "signature": {
                    "inputs": [],
                    "outputs": [],
                    "in_spec": self._spec(signature.get("in_spec")),
                    "out_spec": self._spec(signature.get("out_spec")),
                    "forward_arg_names": [self._text(n, _NAME, "an argument") for n in names],
                },
            }
        ]

    def _spec(self, text: Any) -> str:
        """Make the structure of inputs or outputs: tuples, lists and dicts of tensors."""
        try:
            version, tree = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise ModelFileError(f"{self._place}: a structure must be JSON") from error
        return json.dumps([self._int(version), self._tree(tree, 0)])

    def _tree(self, tree: Any, depth: int) -> dict[str, Any]:
        kind = tree.get("type") if isinstance(tree, dict) else ""
        if kind not in _TREES or depth > _MOST_DEPTH:
            raise self._unsafe(
                "inputs and outputs must be tensors in tuples, lists, dicts", _shown(kind)
            )
        children = self._list(tree.get("children_spec"))
        context = None
        if kind is not None:
            try:
                read = json.loads(tree.get("context") or "null")
            except (ValueError, TypeError, RecursionError) as error:
                raise ModelFileError(f"{self._place}: a structure must be JSON") from error
            keys = self._list(read) if kind == "builtins.dict" else None
            context = json.dumps(keys and [self._text(key, _NAME, "a key") for key in keys])
            if kind == "builtins.dict" and not keys:
                context = "[]"
        return {
            "type": kind,
            "context": context,
            "children_spec": [self._tree(child, depth + 1) for child in children],
        }

    def _part(self, owner: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        part = owner.get(key)
        if not isinstance(part, dict):
            raise ModelFileError(f"{self._place}: must have '{key}', an object")
        return part

    def _list(self, value: Any) -> list[Any]:
        """Return a list; an empty one for null."""
        if not isinstance(value, list | None):
            raise ModelFileError(f"{self._place}: must have a list; has {_shown(value)}")
        return value or []

    def _bound(self, limits: Any, key: str) -> int | None:
        value = limits.get(key) if isinstance(limits, dict) else None
        return None if value is None else self._int(value)

    def _int(self, value: Any) -> int:
        if type(value) is not int:
            raise ModelFileError(f"{self._place}: must have a number; has {_shown(value)}")
        return value

    def _text(self, text: Any, pattern: re.Pattern[str], what: str) -> str:
        if not isinstance(text, str) or not pattern.fullmatch(text) or keyword.iskeyword(text):
            raise self._unsafe(f"each name must be {what}", _shown(text))
        return text

    def _unsafe(self, rule: str, found: str) -> UnsafeModelError:
        return UnsafeModelError(self._place, rule, found)


def _shown(value: object) -> str:
    return plain_line(value if isinstance(value, str) else repr(value), _SHOWN)
