"""Functions of the board, as functions here: `board.rpc.name(...)`."""

from __future__ import annotations

import difflib
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any

from host_sdk.display.plain import plain_line, plain_text
from host_sdk.display.table import html_table
from host_sdk.errors import ProtocolError
from host_sdk.link.paging import read_items
from host_sdk.link.session import Session
from host_sdk.link.values import Value, brief

RemoteFunction = Callable[..., Any]

_NAME_CHARACTERS = 100
_COMPARED_NAMES = 500  # for a hint: it takes time


class _AsWritten:
    """A default that is known by its text only; inspect and help() print it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class Rpc:
    """The functions that `@xipnet.rpc` registered; `dir()` and Tab list them.

    Arguments and results are None, bool, int, float, str, bytes, lists, dicts and NumPy arrays.
    A function waits until the board's has returned; calls wait for each other.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, RemoteFunction] = {}
        self._one_at_a_time = threading.Lock()

    def __getattr__(self, name: str) -> RemoteFunction:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._known:
            self._learn()
        if name not in self._known:
            near = difflib.get_close_matches(name, list(self._known)[:_COMPARED_NAMES], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AttributeError(f"the board has no rpc function {name!r}{hint}")
        return self._known[name]

    def __dir__(self) -> list[str]:
        self._learn()
        return sorted(self._known)

    def __iter__(self) -> Iterator[RemoteFunction]:
        """Iterate over the functions."""
        return iter([self._known[name] for name in dir(self)])

    def call(
        self,
        name: str,
        args: tuple[Value, ...] = (),
        kwargs: dict[str, Value] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Value:
        """Call a function by its name, without asking for its signature first.

        Args:
            name: of the function.
            args: its arguments.
            kwargs: those given by name.
            timeout_s: None waits for ever. Ctrl-C interrupts the board, too.

        Raises:
            PythonError: it raised; holds the device's traceback.
            MethodError: the board has no such function.
        """
        with self._one_at_a_time:
            try:
                return self._session.call("call", name, args, kwargs or {}, timeout_s=timeout_s)
            except KeyboardInterrupt:
                self._session.call("interrupt")
                raise

    def _learn(self) -> None:
        """Ask the board for all functions."""
        with self._one_at_a_time:
            items = [_read_item(item) for item in read_items(self._session, "rpc_list")]
        self._known = {item[0]: self._function(*item) for item in items if _is_name(item[0])}

    def _function(self, name: str, params: list[Any] | None, doc: str) -> RemoteFunction:
        def function(*args: Value, **kwargs: Value) -> Value:
            return self.call(name, args, kwargs)

        function.__name__ = function.__qualname__ = name
        function.__module__ = "board"
        function.__annotations__ = {}
        function.__doc__ = inspect.cleandoc(plain_text(doc)) or None
        if params is not None:
            function.__signature__ = read_signature(params)  # type: ignore[attr-defined]
        return function

    def __repr__(self) -> str:
        return "\n".join(f"{f.__name__}{_signature(f)}" for f in self) or "no rpc functions"

    def _repr_html_(self) -> str:
        rows = [
            [f"{f.__name__}{_signature(f)}", (f.__doc__ or "").partition("\n")[0]] for f in self
        ]
        return html_table("rpc", ("function", ""), rows)


def _signature(function: RemoteFunction) -> str:
    return str(inspect.signature(function))


def _read_item(item: Value) -> tuple[str, list[Any] | None, str]:
    match item:
        case [str(name), (list() | None) as params, str(doc)]:
            return name, params, doc
        case _:
            raise ProtocolError(f"rpc_list: must be [[name, params, doc]]; has {brief(item)}")


def _is_name(name: str) -> bool:
    """Say whether a function can be an attribute; others can be called by `Rpc.call`."""
    return name.isidentifier() and name.isprintable() and len(name) <= _NAME_CHARACTERS


def read_signature(params: list[Any]) -> inspect.Signature:
    """Read a signature from the reply to `rpc_list`.

    Args:
        params: [name, kind] or [name, kind, default] of each parameter.

    Raises:
        ProtocolError: it is none.
    """
    try:
        return inspect.Signature([_parameter(*param) for param in params])
    except (TypeError, ValueError, IndexError) as error:
        why = plain_line(str(error))
        raise ProtocolError(f"rpc_list: params must be a signature; {why}") from error


def _parameter(name: str, kind: int, *default: str) -> inspect.Parameter:
    if not all(isinstance(text, str) for text in default) or len(default) > 1:
        raise ValueError(f"a default must be a str; is {brief(default)}")
    otherwise = _AsWritten(plain_line(default[0])) if default else inspect.Parameter.empty
    return inspect.Parameter(name, inspect._ParameterKind(kind), default=otherwise)
