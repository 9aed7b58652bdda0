"""Load operators of a user's own: a folder for each, as in `relocatable/ops`.

The folders are a package of their own, named after their place: two compiles with different
folders share nothing, and a folder that has changed is read again.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from relocatable.errors import OperatorError
from relocatable.graph.graph import STORED_DTYPES
from relocatable.ops import OPERATORS
from relocatable.ops.operator import Operator
from relocatable.ops.rules import all_rules, rule_text


def load_operators(folder: Path) -> Mapping[str, Operator]:
    """Import every operator of a folder.

    Args:
        folder: whose folders each have a module with `OPERATORS`; names that begin with "_" are
            left out, and may be imported by the others.

    Returns:
        The operators by their kinds.

    Raises:
        OperatorError: the folder or an operator in it is not right.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise OperatorError(f"{folder}: must be a folder of operators; is none")
    package = _new_package(folder)
    found: dict[str, Operator] = {}
    for module in pkgutil.iter_modules([str(folder)]):
        if module.name[0] == "_":
            continue
        for operator in _operators(folder, package, module.name):
            if operator.kind in OPERATORS or operator.kind in found:
                raise OperatorError(
                    f"{folder / module.name}: {operator.kind} must be new; is known"
                )
            found[operator.kind] = replace(operator, folder=folder)
    if not found:
        raise OperatorError(f"{folder}: must have a folder with an operator; has none")
    return found


def _new_package(folder: Path) -> str:
    name = f"xipnet_own_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    for known in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
        del sys.modules[known]
    importlib.invalidate_caches()
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return name


def _operators(folder: Path, package: str, name: str) -> tuple[Operator, ...]:
    place = folder / name
    try:
        module = importlib.import_module(f"{package}.{name}")
    except Exception as error:  # whatever a module does
        what = f"{type(error).__name__}: {error}"
        raise OperatorError(f"{place}: must be importable; {what}") from error
    operators = getattr(module, "OPERATORS", None)
    if not isinstance(operators, tuple) or not operators:
        raise OperatorError(f"{place}: OPERATORS must be a tuple of operators; is {operators!r}")
    for operator in operators:
        if not isinstance(operator, Operator):
            raise OperatorError(f"{place}: OPERATORS must hold Operator values; has {operator!r}")
        _check(place, operator)
    return operators


def _check(place: Path, operator: Operator) -> None:
    """Check what the compiler would stumble over later."""
    what = f"{place}: {operator.kind}"
    if not operator.kernels and operator.evaluate is None:
        raise OperatorError(f"{what} must have kernels or a meaning; has neither")
    named = {t for operand in operator.operands for t in operand.dtypes} | {*operator.output}
    if not named <= {*STORED_DTYPES}:
        types = ", ".join(sorted(named - {*STORED_DTYPES}))
        raise OperatorError(
            f"{what}: element types must be of {', '.join(STORED_DTYPES)}; has {types}"
        )
    for rule in all_rules(operator):
        if not rule_text(rule):
            name = getattr(rule, "__name__", str(rule))
            raise OperatorError(f"{what}: a rule must have a docstring, its text; {name} has none")
