"""Models on trial and what befell them: the results of `trial` and `history`."""

from __future__ import annotations

from dataclasses import dataclass

from host_sdk.link.session import Client
from host_sdk.link.wire_map import Fields


@dataclass(frozen=True)
class Trial:
    """The active model goes unless it is confirmed.

    Attributes:
        name: of the model.
        version: of the model.
        left_s: seconds until the one before returns.
        boots: starts of the board that it may still outlast.
    """

    name: str
    version: int
    left_s: int
    boots: int


@dataclass(frozen=True)
class HistoryEvent:
    """What befell a model.

    Attributes:
        sequence: counts the records of the store; of two events the later one has the greater.
        event: "installed", "activated", "confirmed", "testing", "refused", "returned", "removed".
        version: of the model; 0 for one that never became current.
        size_bytes: of the blob.
        sha256: of the blob.
        why: the reason as a sentence; "" where there is none to give.
    """

    sequence: int
    event: str
    version: int
    size_bytes: int
    sha256: bytes
    why: str


def read_trial(client: Client) -> Trial | None:
    """What is on trial; None: nothing."""
    result = client.call("trial")
    if result is None:
        return None
    fields = Fields(result, "trial")
    return Trial(
        name=fields.text("name"),
        version=fields.integer("version"),
        left_s=fields.integer("left_s"),
        boots=fields.integer("boots"),
    )


def read_history(client: Client, name: str) -> list[HistoryEvent]:
    """What befell a name, oldest first, as far back as the store's log goes."""
    events: list[HistoryEvent] = []
    while True:
        page = Fields({"history": client.call("history", name, len(events))}, "history")
        items = page.maps("history")
        if not items:
            return events
        events += [_read_event(item) for item in items]


def _read_event(fields: Fields) -> HistoryEvent:
    return HistoryEvent(
        sequence=fields.integer("sequence"),
        event=fields.text("event"),
        version=fields.integer("version"),
        size_bytes=fields.integer("size"),
        sha256=fields.data("sha256"),
        why=_why(fields.integer("reason"), fields.integer("detail"), fields.text("text")),
    )


def _why(reason: int, detail: int, text: str) -> str:
    """docs/SPEC-wire.md, section 6."""
    match reason:
        case 0:
            return text
        case 1:
            return f"{text} [{detail}]"
        case 2:
            return "fault outside of any step" if detail < 0 else f"fault in step {detail}"
        case 3:
            return f"step {detail} took too long"
        case 4:
            return "the board restarted before it was confirmed"
        case 5:
            return f"not confirmed within {detail} s"
        case 6:
            return "withdrawn by the host"
        case 7:
            return f"cannot be opened: {text} [{detail}]"
        case _:
            return text or f"reason {reason}, detail {detail}"
