"""The messages of docs/SPEC-wire.md, section 2, as frozen dataclasses. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from host_sdk.errors import ProtocolError
from host_sdk.link import values
from host_sdk.link.values import Value, brief

_U32 = 1 << 32
_PLACE_MAX = 40  # longer texts are sources, not names


class _Kind:
    REQUEST = 0
    REPLY = 1
    NOTIFICATION = 2


@dataclass(frozen=True)
class Request:
    """A request to the board; its id makes a repetition recognisable."""

    id: int
    method: str
    params: tuple[Value, ...] = ()

    @property
    def place(self) -> str:
        """The method, with the name it was given, for messages: "rm('coins')"."""
        match self.params:
            case (str(name), *_) if len(name) <= _PLACE_MAX:
                return f"{self.method}({name!r})"
        return self.method

    def pack(self) -> bytes:
        """Return the body of the frame."""
        return values.pack([_Kind.REQUEST, self.id, self.method, list(self.params)])


@dataclass(frozen=True)
class Failure:
    """The reason why a request failed, in the board's words."""

    code: int
    message: str
    detail: str | None = None


@dataclass(frozen=True)
class Reply:
    """The answer to the request of the same id: either a failure or a result."""

    id: int
    failure: Failure | None
    result: Value = None

    def pack(self) -> bytes:
        """Return the body of the frame."""
        f = self.failure
        error: Value = None if f is None else [f.code, f.message, f.detail]
        return values.pack([_Kind.REPLY, self.id, error, self.result])


@dataclass(frozen=True)
class Notification:
    """Something the board tells unasked."""

    topic: str
    params: tuple[Value, ...] = ()

    def pack(self) -> bytes:
        """Return the body of the frame."""
        return values.pack([_Kind.NOTIFICATION, self.topic, list(self.params)])


Message: TypeAlias = Request | Reply | Notification


def unpack(body: bytes) -> Message:
    """Read the body of a frame.

    Raises:
        ProtocolError: the body is not one of the messages.
    """
    match unpack_value(body, "message"):
        case [int(kind), int(id_), str(method), list(params)] if kind == _Kind.REQUEST:
            return Request(_u32(id_), method, tuple(params))
        case [int(kind), int(id_), None, result] if kind == _Kind.REPLY:
            return Reply(_u32(id_), None, result)
        case [int(kind), int(id_), [int(code), str(text), (str() | None) as detail], None] if (
            kind == _Kind.REPLY
        ):
            return Reply(_u32(id_), Failure(code, text, detail))
        case [int(kind), str(topic), list(params)] if kind == _Kind.NOTIFICATION:
            return Notification(topic, tuple(params))
        case other:
            raise ProtocolError(
                f"message must be a request, a reply or a notification; is {brief(other)}"
            )


def _u32(number: int) -> int:
    if not 0 <= number < _U32:
        raise ProtocolError(f"message: id must be in [0, 2**32); is {brief(number)}")
    return number


def unpack_value(data: bytes, place: str) -> Value:
    """Read exactly one MessagePack value.

    Args:
        data: untrusted bytes.
        place: what they are, for the message.

    Raises:
        ProtocolError: the bytes are not one MessagePack value.
    """
    try:
        return values.unpack(data)
    except Exception as error:  # msgpack raises many types; all mean the same here
        why = f"{type(error).__name__}: {error}"
        raise ProtocolError(f"{place}: must be one MessagePack value; {why}") from error
