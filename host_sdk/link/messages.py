"""The messages of docs/SPEC-wire.md, section 2, as frozen dataclasses. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from host_sdk.errors import ProtocolError
from host_sdk.link import values
from host_sdk.link.values import Value, brief

_U32 = 1 << 32
_LEAST_CODE = -(1 << 31)
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
    """The answer to the request of the same id: a failure or a result.

    Attributes:
        id: of the request.
        failure: None if there is a result.
        result: None if there is a failure.
        broken_rule: why what came under that id is neither; "" if it is one.
    """

    id: int
    failure: Failure | None
    result: Value = None
    broken_rule: str = ""

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
            return _read_failure(_u32(id_), code, text, detail)
        case [int(kind), int(id_), *_] if kind == _Kind.REPLY:
            return Reply(
                _u32(id_), None, None, "must be [1, id, nil, result] or [1, id, error, nil]"
            )
        case [int(kind), str(topic), list(params)] if kind == _Kind.NOTIFICATION:
            return Notification(topic, tuple(params))
        case other:
            raise ProtocolError(
                f"message must be a request, a reply or a notification; is {brief(other)}"
            )


def _read_failure(number: int, code: int, text: str, detail: str | None) -> Reply:
    if not _LEAST_CODE <= code < 0:
        return Reply(number, None, None, f"error's code must be in [-2**31, 0); is {brief(code)}")
    return Reply(number, Failure(code, text, detail))


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
