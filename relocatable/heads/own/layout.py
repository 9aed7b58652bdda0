"""The fields and parameters of a user's head, as its TOML file lists them."""

from __future__ import annotations

import keyword
import re
from typing import Any

import numpy as np

from relocatable.blob.record import FIELD_DTYPES, ROLES, Record, RecordField, Role
from relocatable.errors import BlobError, HeadError
from relocatable.heads.fields import Fields
from relocatable.steps.c_call import c_type

# "int32", "int32 label", "float32[4] points"
_FIELD = re.compile(r"(\w+)(?:\[([1-9][0-9]{0,4})\])?(?: (\w+))?")
_C_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_C_KEYWORDS = (
    *("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else"),
    *("enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register"),
    *("restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef"),
    *("typeof", "union", "unsigned", "void", "volatile", "while", "asm"),
)

Parameter = int | float | tuple[int, ...] | tuple[float, ...]


def read_record(table: Fields) -> Record:
    """Read the fields of an item, and lay them out as C does.

    Raises:
        HeadError: names the field, the rule and the value seen.
    """
    fields: list[RecordField] = []
    end, widest = 0, 1
    for name in table.names():
        text = table.text(name)
        check_name(table, name)
        match = _FIELD.fullmatch(text)
        dtype, count, role = match.groups() if match else ("", None, None)
        if dtype not in FIELD_DTYPES or (role or "value") not in ROLES:
            types = ", ".join(FIELD_DTYPES)
            rule = f"a type ({types}), [a number] or nothing, and label, points or nothing"
            raise table.error(name, rule, text)
        size = np.dtype(dtype).itemsize
        at = -(-end // size) * size
        fields.append(RecordField(name, dtype, at, int(count or 1), _role(role)))
        end, widest = at + fields[-1].size_bytes, max(widest, size)
    widest = max(widest, 4)  # what follows an item stays aligned to words
    try:
        return Record(-(-end // widest) * widest, tuple(fields))
    except BlobError as error:
        raise HeadError(f"[own.fields] {error}") from error


def read_parameters(table: Fields) -> dict[str, Parameter]:
    """Read the parameters: whole numbers, real numbers, lists of them.

    Raises:
        HeadError: names the parameter, the rule and the value seen.
    """
    parameters = {}
    for name in table.names():
        parameters[name] = table.whole_or_real(name)
        check_name(table, name)
    return parameters


def check_name(table: Fields, name: str) -> None:
    """Refuse a name that C or Python does not take.

    Raises:
        HeadError: names it.
    """
    if not _C_NAME.fullmatch(name) or name in _C_KEYWORDS or keyword.iskeyword(name):
        raise table.error(name, "a plain name in C and in Python", name)


def c_fields(record: Record) -> str:
    """Write the members of an item's struct."""
    members = "".join(_member(c_type(f.dtype), f.name, f.count) for f in record.fields)
    last = max(f.offset + f.size_bytes for f in record.fields)
    rest = record.item_bytes - last
    return members + (f"uint8_t xn_rest[{rest}]; " if rest else "")


def c_parameters(parameters: dict[str, Parameter]) -> str:
    """Write the members of the parameters' struct, which has one at least."""
    members = ""
    for name, value in parameters.items():
        items: Any = value if isinstance(value, tuple) else (value,)
        c_name = "int32_t" if isinstance(items[0], int) else "float"
        members += _member(c_name, name, len(items) if isinstance(value, tuple) else 1)
    return members or "int32_t xn_none; "


def _member(c_name: str, name: str, count: int) -> str:
    return f"{c_name} {name}[{count}]; " if count > 1 else f"{c_name} {name}; "


def _role(text: str | None) -> Role:
    return next(role for role in ROLES if role == (text or "value"))
