"""Models on trial: confirmed, withdrawn, returned; the history."""

from __future__ import annotations

from typing import Any

import pytest

from host_sdk import Device, DeviceError, HealthCheckError, InputError
from host_sdk.errors import GoldenError
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.scripted_board import ScriptedBoard


@pytest.fixture
def pair(connect: Connect) -> tuple[ScriptedBoard, Device]:
    """Make a board that serves version 1."""
    board, device = connect()
    device.load_model(make_blob(), "net")
    return board, device


def test_auto_needs_no_confirmation(pair: tuple[ScriptedBoard, Device]) -> None:
    board, device = pair
    board.alter["put_end"] = lambda done: {**done, "pause_us": 34}
    loaded = device.load_model(make_blob(fill=b"x"), "net")
    assert (loaded.version, loaded.pending, loaded.pause_us) == (2, False, 34)
    assert device.trial() is None


def test_manual_stays_on_trial_until_confirmed(pair: tuple[ScriptedBoard, Device]) -> None:
    _, device = pair
    loaded = device.load_model(make_blob(fill=b"x"), "net", confirm="manual", confirm_s=7, boots=2)
    trial = device.trial()
    assert loaded.pending
    assert trial is not None
    assert (trial.name, trial.version, trial.left_s, trial.boots) == ("net", 2, 7, 2)
    device.confirm()
    assert device.trial() is None
    assert [e.event for e in device.history()][-1] == "confirmed"
    with pytest.raises(DeviceError, match="not on trial"):
        device.confirm()


def test_a_restart_ends_a_trial(pair: tuple[ScriptedBoard, Device]) -> None:
    _, device = pair
    device.load_model(make_blob(fill=b"x"), "net", confirm="manual")
    device.reset()
    assert device.model().version == 1
    assert [o.name for o in device.models() if o.active] == ["net"]
    last = device.history("net")[-1]
    assert (last.event, last.version) == ("returned", 2)
    assert last.why == "the board restarted before it was confirmed"


def test_a_check_that_passes_confirms(pair: tuple[ScriptedBoard, Device]) -> None:
    _, device = pair
    seen: list[Any] = []

    def check(board: Device) -> None:
        seen.append(board.trial())

    loaded = device.load_model(make_blob(fill=b"x"), "net", confirm=check)
    assert seen[0].version == 2
    assert not loaded.pending
    assert device.trial() is None
    assert device.ls()[0].version == 2


def test_a_check_that_fails_brings_the_old_one_back(pair: tuple[ScriptedBoard, Device]) -> None:
    _, device = pair

    def raises(_: Device) -> None:
        raise ValueError("3 of 10 right")

    checks = (raises, "ValueError: 3 of 10 right"), (lambda _: False, "it returned")
    for version, (check, said) in enumerate(checks, 2):  # the number of a withdrawn one stays taken
        failed = f"'net' version {version} failed: {said}"
        with pytest.raises(HealthCheckError, match=failed) as caught:
            device.load_model(make_blob(fill=b"x"), "net", confirm=check)
        assert (caught.value.name, caught.value.version) == ("net", version)
        assert "serves again" in str(caught.value)
        assert device.model().version == 1
        assert device.history()[-1].why == "withdrawn by the host"


def test_a_check_during_which_the_board_returned(pair: tuple[ScriptedBoard, Device]) -> None:
    board, device = pair

    def check(_: Device) -> bool:
        board.pass_time(61)
        return False

    with pytest.raises(HealthCheckError, match="returned already or cannot"):
        device.load_model(make_blob(fill=b"x"), "net", confirm=check)
    assert device.history()[-1].why == "not confirmed within 60 s"


def test_ctrl_c_in_a_check_withdraws(pair: tuple[ScriptedBoard, Device]) -> None:
    _, device = pair

    def check(_: Device) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        device.load_model(make_blob(fill=b"x"), "net", confirm=check)
    assert device.model().version == 1


def test_a_model_that_is_there_already_needs_no_check(pair: tuple[ScriptedBoard, Device]) -> None:
    board, device = pair
    before = len(board.executed)
    device.load_model(make_blob(), "net")
    assert len(board.executed) - before == 2  # put_begin, put_end


def test_arguments_that_do_not_fit(pair: tuple[ScriptedBoard, Device]) -> None:
    board, device = pair
    before = len(board.executed)
    for options, said in (
        ({"confirm": "later"}, "is 'later'"),
        ({"confirm": "manual", "activate": False}, "must be auto"),
        ({"confirm": "manual", "confirm_s": 0}, "are 0 and 0"),
        ({"confirm": "manual", "boots": -1}, "are 60 and -1"),
    ):
        with pytest.raises(InputError, match=said):
            device.load_model(make_blob(fill=b"x"), "net", **options)
    assert len(board.executed) == before


def test_rollback_by_hand(pair: tuple[ScriptedBoard, Device]) -> None:
    _, device = pair
    for fill in (b"x", b"y"):
        device.load_model(make_blob(fill=fill), "net")
    assert device.rollback() == 2
    assert device.rollback("net") == 1
    assert device.model().version == 1
    with pytest.raises(DeviceError, match="nothing to return to"):
        device.rollback()


def test_a_failed_test_vector_is_in_the_history(pair: tuple[ScriptedBoard, Device]) -> None:
    _, device = pair
    with pytest.raises(GoldenError):
        device.load_model(make_blob(fill=b"x", golden=1), "net")
    last = device.history("net")[-1]
    assert (last.event, last.why) == (
        "refused",
        "golden vector: the outputs differ from the expected ones [-46]",
    )


@pytest.mark.parametrize(
    ("reason", "detail", "why"),
    [
        (0, 0, ""),
        (2, 4, "fault in step 4"),
        (2, -1, "fault outside of any step"),
        (3, 2, "step 2 took too long"),
        (5, 60, "not confirmed within 60 s"),
        (7, -47, "cannot be opened: t [-47]"),
        (99, 1, "t"),
    ],
)
def test_reasons_are_worded(
    pair: tuple[ScriptedBoard, Device], reason: int, detail: int, why: str
) -> None:
    board, device = pair
    text = "t" if reason in (7, 99) else ""
    told = {"event": "returned", "reason": reason, "detail": detail, "text": text}
    board.alter["history"] = lambda events: [{**event, **told} for event in events]
    assert device.history()[-1].why == why


def test_a_long_history_comes_in_pages(pair: tuple[ScriptedBoard, Device]) -> None:
    _, device = pair
    for i in range(12):
        device.load_model(make_blob(fill=bytes([i])), "net")
    events = device.history("net")
    assert [e.sequence for e in events] == sorted(e.sequence for e in events)
    assert [e.version for e in events] == list(range(1, 14))
    assert device.history("nobody") == []
