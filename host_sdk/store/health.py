"""Whether a new model stays: the host's part of a trial (docs/OTA.md)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from host_sdk.errors import HealthCheckError, InputError, LinkError, XipnetError
from host_sdk.store.upload import TrialTerms, Uploaded

if TYPE_CHECKING:
    from host_sdk.device import Device

HealthCheck: TypeAlias = "Callable[[Device], bool | None]"
Confirm: TypeAlias = "Literal['auto', 'manual'] | HealthCheck"


def trial_terms(confirm: Confirm, confirm_s: int, boots: int, activate: bool) -> TrialTerms | None:
    """The terms that the board is told; None: no trial.

    Raises:
        InputError: an argument of `Device.load_model` is out of its range.
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


def check_health(board: Device, loaded: Uploaded, check: HealthCheck) -> None:
    """Runs a check on a model that is on trial; where it fails the model is withdrawn.

    Raises:
        HealthCheckError: it failed; its cause is what the check raised.
    """
    why: Exception | None = None
    try:
        fine = check(board) is not False
    except Exception as error:  # whatever a user's check raises means the same
        fine, why = False, error
    except BaseException:  # Ctrl-C: no verdict, so not good enough to stay
        with contextlib.suppress(XipnetError):
            board.rollback(loaded.name)
        raise
    if not fine:
        said = f"{type(why).__name__}: {why}" if why else "it returned False"
        end = _withdraw(board, loaded.name)
        raise HealthCheckError(
            f"check of '{loaded.name}' version {loaded.version} failed: {said}; {end}",
            loaded.name,
            loaded.version,
        ) from why


def _withdraw(board: Device, name: str) -> str:
    """Asks for the model before; what came of it, for the message."""
    try:
        board.rollback(name)
    except LinkError:
        return "the board is out of reach and returns to the model before by itself"
    except XipnetError as error:
        return f"the board has returned already or cannot: {error}"
    return "the model before serves again"
