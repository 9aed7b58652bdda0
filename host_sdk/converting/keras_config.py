"""What a Keras model's file says it is made of, read before Keras does.

Keras makes objects of what a config names: classes, functions, code. It is refused here unless it
names classes of Keras that only compute (keras_classes.py), however old the Keras.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from host_sdk.converting.keras_classes import (
    FUNCTION_LAYERS,
    VALUES,
    is_known,
    is_known_function,
)
from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError, UnsafeModelError

MOST_CONFIG_BYTES = 16 << 20
_MOST_DEPTH = 200
_SHOWN = 80

_RULE = "every class must be one of Keras's that only compute"
_OLD_RULE = f"{_RULE} (a .h5 keeps no operations such as x + 1: save a .keras)"


def read_config(text: bytes | str, place: str) -> dict[str, Any]:
    """Read a model's config and refuse it if it could run code.

    Args:
        text: JSON.
        place: the file, for errors.

    Returns:
        The config, without what only training needs (optimizers and losses may be of any class).

    Raises:
        ModelFileError: it is no config, or too large.
        UnsafeModelError: it names code, or a class that is not on our list.
    """
    if len(text) > MOST_CONFIG_BYTES:
        raise ModelFileError(f"{place}: its config must have at most {MOST_CONFIG_BYTES:,} bytes")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{place}: its config must be JSON; {error}") from error
    if not isinstance(config, dict):
        raise ModelFileError(f"{place}: its config must be an object; is {_shown(config)}")
    left: list[tuple[Any, str, int]] = [(config, "model", 0)]
    while left:
        value, owner, depth = left.pop()
        if depth > _MOST_DEPTH:
            raise ModelFileError(f"{place}: its config must nest at most {_MOST_DEPTH} deep")
        if isinstance(value, dict):
            value.pop("compile_config", None)
            if "class_name" in value:
                owner = _name(value) or owner
                _check_object(value, owner, place)
            left += [(inner, owner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            left += [(inner, owner, depth + 1) for inner in value]
    return config


def _check_object(value: Mapping[str, Any], owner: str, place: str) -> None:
    name, module = value["class_name"], value.get("module")
    if isinstance(name, str) and name in VALUES:
        return
    where = f"{place}, {plain_line(owner, _SHOWN)}"
    if name in FUNCTION_LAYERS and module in (None, "keras.layers", "tf_keras.layers"):
        called = _inner(value).get("function")
        if not is_known_function(called):
            raise UnsafeModelError(
                where, "a function must be one that only computes", _shown(called)
            )
        return
    seen = f"{_shown(name)} of {_shown(module)}" if module is not None else _shown(name)
    if not is_known(module, name):
        raise UnsafeModelError(where, _OLD_RULE if module is None else _RULE, seen)
    # Keras looks a registered name up before the class.
    registered = value.get("registered_name")
    if registered is not None and registered != name:
        raise UnsafeModelError(where, _RULE, f"{seen}, registered as {_shown(registered)}")


def _name(value: Mapping[str, Any]) -> str | None:
    name = value.get("name", _inner(value).get("name"))
    return f"'{name}'" if isinstance(name, str) else None


def _inner(value: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = value.get("config")
    return inner if isinstance(inner, dict) else {}


def _shown(value: object) -> str:
    return plain_line(value if isinstance(value, str) else repr(value), _SHOWN)
