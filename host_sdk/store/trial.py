"""Models on trial: terms, the host's check, the board's history (docs/OTA.md)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from host_sdk.errors import HealthCheckError, InputError, LinkError, XipnetError
from host_sdk.link.paging import read_maps
from host_sdk.link.session import Session
from host_sdk.link.wire_map import WireMap


@dataclass(frozen=True)
class TrialTerms:
    """The limits within which a new model must be confirmed.

    Attributes:
        confirm_s: seconds, at least 1.
        boots: starts of the board that it may outlast.
    """

    confirm_s: int
    boots: int = 0


@dataclass(frozen=True)
class Trial:
    """The trial of the active model; without confirmation the model is withdrawn.

    Attributes:
        name: of the model.
        version: of the model.
        left_s: seconds until the previous one returns.
        boots: starts of the board that it may still outlast.
    """

    name: str
    version: int
    left_s: int
    boots: int


@dataclass(frozen=True)
class HistoryEvent:
    """An event in a model's history.

    Attributes:
        sequence: counts the records of the store; of two events the later one has the greater.
        event: "installed", "activated", "confirmed", "testing", "refused", "returned", "removed".
        version: of the model; 0 for one that never became current.
        size_bytes: of the blob.
        sha256: of the blob.
        why: the reason as a sentence; "" if there is none to give.
    """

    sequence: int
    event: str
    version: int
    size_bytes: int
    sha256: bytes
    why: str


def trial_terms(
    confirm: str | Callable[..., object], confirm_s: int, boots: int, activate: bool
) -> TrialTerms | None:
    """Check the arguments of `Device.load_model` about a trial.

    Returns:
        The terms for the board; None: there is no trial.

    Raises:
        InputError: an argument is out of its range.
    """
    if confirm == "auto":
        return None
    if confirm != "manual" and not callable(confirm):
        raise InputError(f"confirm must be 'auto', 'manual' or a function; is {confirm!r}")
    if not activate:
        raise InputError("a model that is not made active cannot be on trial: confirm must be auto")
    if confirm_s < 1 or boots < 0:
        raise InputError(
            f"confirm_s must be at least 1 and boots at least 0; are {confirm_s} and {boots}"
        )
    return TrialTerms(confirm_s, boots)


def check_health(
    name: str, version: int, check: Callable[[], object], withdraw: Callable[[], object]
) -> None:
    """Check a model that is on trial, and withdraw it if the check fails.

    Args:
        name: of the model.
        version: of the model.
        check: fails by raising or by returning False.
        withdraw: returns to the previous model.

    Raises:
        HealthCheckError: the check failed; its cause is what the check raised.
    """
    why: Exception | None = None
    try:
        fine = check() is not False
    except Exception as error:  # whatever a user's check raises means the same
        fine, why = False, error
    except BaseException:  # Ctrl-C: no verdict, so not good enough to stay
        with contextlib.suppress(XipnetError):
            withdraw()
        raise
    if not fine:
        reason = f"{type(why).__name__}: {why}" if why else "it returned False"
        end = _try_to_withdraw(withdraw)
        raise HealthCheckError(
            f"check of '{name}' version {version} failed: {reason}; {end}", name, version
        ) from why


def _try_to_withdraw(withdraw: Callable[[], object]) -> str:
    """Ask for the previous model; return what came of it, for the message."""
    try:
        withdraw()
    except LinkError:
        return "the board is out of reach and returns to the previous model by itself"
    except XipnetError as error:
        return f"the board has returned already or cannot: {error}"
    return "the previous model serves again"


def read_trial(session: Session) -> Trial | None:
    """Ask what is on trial; None: nothing."""
    result = session.call("trial")
    if result is None:
        return None
    fields = WireMap(result, "trial")
    return Trial(
        name=fields.text("name"),
        version=fields.count("version"),
        left_s=fields.count("left_s"),
        boots=fields.count("boots"),
    )


def read_history(session: Session, name: str) -> list[HistoryEvent]:
    """Read a model's history, oldest first, as far back as the store's log goes."""
    return [_read_event(item) for item in read_maps(session, "history", name)]


def _read_event(fields: WireMap) -> HistoryEvent:
    return HistoryEvent(
        sequence=fields.count("sequence"),
        event=fields.text("event"),
        version=fields.count("version"),
        size_bytes=fields.count("size"),
        sha256=fields.digest("sha256"),
        why=_reason(fields.count("reason"), fields.integer("detail"), fields.text("text")),
    )


def _reason(number: int, detail: int, text: str) -> str:
    """Word a reason of docs/SPEC-wire.md, section 6."""
    match number:
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
            return text or f"reason {number}, detail {detail}"
