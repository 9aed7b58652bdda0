"""A function of this program that runs on the board: `@board.task`."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import TypeVar

from host_sdk.errors import InputError, MethodError
from host_sdk.scripting.python import PythonService
from host_sdk.scripting.rpc import Rpc

F = TypeVar("F", bound=Callable[..., object])


def make_task(function: F, python: PythonService, rpc: Rpc) -> F:
    """Define a function on the board, too, and return one that calls it there.

    Args:
        function: a `def`; see `Device.task`.
        python: defines it.
        rpc: calls it.

    Raises:
        InputError: its source cannot stand alone on the board.
        PythonError: the board cannot compile it.
    """
    source, name = task_source(function), function.__name__
    python.exec(source, None)

    @functools.wraps(function)
    def run(*args: object, **kwargs: object) -> object:
        try:
            return rpc.call(name, args, kwargs)  # type: ignore[arg-type]
        except MethodError:  # the board has restarted since
            python.exec(source, None)
            return rpc.call(name, args, kwargs)  # type: ignore[arg-type]

    return run  # type: ignore[return-value]


def task_source(function: Callable[..., object]) -> str:
    """Write the source that defines a function on the board and registers it.

    Raises:
        InputError: it is no `def`, its source is not there, or it uses names around it.
    """
    name = getattr(function, "__name__", repr(function))
    if not inspect.isfunction(function):
        raise InputError(f"task must be a function; {name} is {type(function).__name__}")
    if function.__code__.co_freevars:
        names = ", ".join(function.__code__.co_freevars)
        raise InputError(f"task {name} must not use names of the function around it; uses {names}")
    try:
        lines = textwrap.dedent(inspect.getsource(function))
    except OSError as error:
        raise InputError(f"task {name}: its source is not in a file; {error}") from error
    node = ast.parse(lines).body[0]
    if not isinstance(node, ast.FunctionDef):
        raise InputError(f"task {name} must be made by def; is {type(node).__name__}")
    node.decorator_list = []
    node.returns = None
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return f"import xipnet\n@xipnet.rpc\n{ast.unparse(node)}\n"
