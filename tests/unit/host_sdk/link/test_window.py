"""Test the window on a bad line, before a board that restarts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from host_sdk import DeviceResetError, NoResponseError
from host_sdk.link.line_estimator import LineEstimator, Patience
from host_sdk.link.messages import Reply
from host_sdk.link.request import PendingRequest
from host_sdk.link.window import Window
from tests.unit.host_sdk.link.simulated_line import FAULTS, Calls, Simulation

calls = st.lists(
    st.tuples(
        st.sampled_from(["ping", "ls", "put_data", "get", "exec", "put_end", "activate", "run"]),
        st.one_of(st.just(()), st.integers(100, 900).map(lambda n: (bytes(n),))),
    ),
    min_size=1,
    max_size=40,
)
faults = st.lists(st.sampled_from(FAULTS), max_size=60)
restarts = st.lists(st.tuples(st.floats(0.0, 20.0), st.booleans()), max_size=3)
byte_times = st.sampled_from([0.0, 1 / 11520, 1 / 960])


def check(simulation: Simulation) -> None:
    """Check what holds however the line was."""
    assert all(p.done for p in simulation.done)  # nothing starves
    own = simulation.window.own_ids  # these only ask, again and again
    executed = {call: n for call, n in simulation.board.executed.items() if call[1] not in own}
    assert set(executed.values()) == {1}  # in each session of the board
    assert {n for id_, n in simulation.answers.items() if id_ not in own} <= {1}
    for pending in simulation.done:
        assert (pending.reply is None) != (pending.error is None)
        if pending.reply is not None:
            assert pending.reply.result == [pending.request.method, *pending.request.params][:2]
        else:
            assert isinstance(pending.error, DeviceResetError)


@settings(max_examples=300)
@given(calls, faults, faults, byte_times)
def test_each_call_is_executed_and_answered_once(
    calls: Calls, out: list[str], back: list[str], byte_s: float
) -> None:
    simulation = Simulation(calls, out, back, [], byte_s)
    simulation.run()
    check(simulation)
    assert all(p.error is None for p in simulation.done)
    executed = {number for _, number in simulation.board.executed}
    assert {p.request.id for p in simulation.done} <= executed


@settings(max_examples=300)
@given(calls, faults, faults, restarts, byte_times)
def test_a_restart_ends_calls_or_spares_them(
    calls: Calls,
    out: list[str],
    back: list[str],
    restarts: list[tuple[float, bool]],
    byte_s: float,
) -> None:
    simulation = Simulation(calls, out, back, restarts, byte_s)
    simulation.run()
    check(simulation)


# ---- One thing at a time -------------------------------------------------------------------------


def opened(size: int = 4) -> Window:
    """Make a window with an open session, at time 0."""
    window = Window("line", 100, LineEstimator())
    window.size = size
    return window


def send_all(window: Window, now: float) -> list[str]:
    sent = []
    while (out := window.next_frame(now)) is not None:
        sent.append(out.request.method)
    return sent


def test_small_calls_overtake_bulk_and_always_find_a_place() -> None:
    window = opened(4)
    for _ in range(3):
        assert window.submit("put_data", (1, 0, b"x"), None) is not None
    assert window.submit("put_data", (1, 0, b"x"), None) is None
    assert window.submit("ping", (1,), None) is not None
    assert window.submit("ping", (2,), None) is None
    assert send_all(window, 0.0) == ["ping", "put_data", "put_data", "put_data"]


def test_bulk_waits_for_a_slow_line() -> None:
    window = Window("line", 100, LineEstimator(1200))
    window.size = 8
    assert [bool(window.submit("put_data", (1, 0, bytes(100)), None)) for _ in range(3)] == [
        True,
        True,
        False,
    ]


def test_a_later_reply_shows_what_was_lost() -> None:
    window = opened()
    first, second = (window.submit("ls", (n,), None) for n in range(2))
    assert first is not None
    assert second is not None
    send_all(window, 0.0)
    assert window.received(Reply(second.request.id, None, []), 0.02) is second
    assert window.next_wakeup() == 0.02
    window.tick(0.02)
    assert window.next_frame(0.02) is first
    assert window.counters.repeated == 1


def test_silence_is_probed_then_pinged_then_an_error() -> None:
    window = opened()
    lost = window.submit("ls", (), 5.0)
    assert lost is not None
    now, sent = 0.0, send_all(window, 0.0)
    while not lost.done:
        wakeup_s = window.next_wakeup()
        assert wakeup_s is not None
        assert wakeup_s > now
        now = wakeup_s
        window.tick(now)
        sent += send_all(window, now)
    assert sent[:4] == ["ls", "out_read", "ping", "out_read"]  # small ones first
    assert now == 5.0
    assert isinstance(lost.error, NoResponseError)
    window.tick(now)
    assert window.next_wakeup() is None  # the probe went with it


def test_a_line_falls_back_once_after_a_silent_hello() -> None:
    window = Window("line", 100, LineEstimator(patience=Patience(fallback_s=2.0)))
    window.can_fall_back = True
    assert window.submit("hello", (1,), None) is not None
    send_all(window, 1.0)
    assert not window.falls_back(2.9)
    assert window.falls_back(3.0)
    assert not window.falls_back(9.0)
    window.ask_again()
    window.tick(3.0)
    assert send_all(window, 3.0) == ["hello"]


def test_nothing_follows_hello_before_its_reply() -> None:
    """A second `boot` of one restart would end it here, while the board executes it."""
    window = opened()
    source = window.submit("exec", ("x = 1",), None)
    bulk = window.submit("put_data", (1, 0, b"x"), None)
    hello = window.submit("hello", (1,), None)
    assert source is not None
    assert bulk is not None
    assert hello is not None
    assert window.submit("ping", (1,), None) is None
    assert send_all(window, 0.0) == ["exec", "put_data", "hello"]
    now = 0.0
    for _ in range(20):  # the source is due, too, and silence would be probed
        now = window.next_wakeup() or now
        window.tick(now)
        assert send_all(window, now) == ["hello"]
        assert window.submit("exec", ("y = 1",), None) is None
    window.received(Reply(hello.request.id, None), now)
    window.tick(now)
    assert send_all(window, now) == ["exec", "put_data", "out_read"]
    assert window.submit("ping", (1,), None) is not None


def test_a_withdrawn_request_frees_its_place() -> None:
    window = opened(1)
    left = window.submit("ls", (), None)
    assert left is not None
    assert window.submit("ls", (), None) is None
    window.withdraw(left)
    assert window.submit("ls", (), None) is not None


def test_ids_do_not_run_away_from_a_request_that_waits() -> None:
    window = opened()
    waits = window.submit("ls", (), None)
    assert waits is not None
    for _ in range(11):
        ping = window.submit("ping", (), None)
        assert ping is not None
        send_all(window, 0.0)
        window.received(Reply(ping.request.id, None), 0.0)
    assert window.submit("ping", (), None) is None
    window.received(Reply(waits.request.id, None), 0.0)
    assert window.submit("ping", (), None) is not None


def next_probe(window: Window, now: float) -> PendingRequest:
    window.tick(now)
    probe = window.next_frame(now)
    assert probe is not None
    assert probe.request.method == "out_read"
    return probe


def test_a_second_reply_to_a_probe_answers_no_later_one() -> None:
    window = opened()
    lost = window.submit("ls", (), None)
    assert lost is not None
    send_all(window, 1000.0)
    first = next_probe(window, lost.due_s)
    window.tick(first.due_s)
    assert send_all(window, first.due_s) == ["ping", "out_read"]  # sent twice, answered twice
    reply = Reply(first.request.id, None, b"")
    assert window.received(reply, 1002.0) is first
    assert window.received(Reply(window.own_ids[2], None, None), 1002.0) is not None
    window.tick(1002.0)
    assert window.next_frame(1002.0) is lost
    second = window.next_frame(1002.0)  # asks after it
    assert second is not None
    assert second.request.method == "out_read"
    assert window.received(reply, 1002.1) is None
    assert window.received(Reply(second.request.id, None, b""), 1002.2) is second


def test_a_reply_to_what_was_not_sent_says_nothing_of_the_line() -> None:
    window = opened()
    waits = window.submit("ls", (), None)
    assert waits is not None
    reply = Reply(waits.request.id, None, [])
    assert window.received(reply, 1000.0) is None
    assert send_all(window, 1000.0) == ["ls"]
    assert window.received(reply, 1000.01) is waits
    assert window.estimator.timeout_s(30) < 1
