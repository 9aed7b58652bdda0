"""State kept from run to run, and golden vectors of every kind."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from host_sdk import Device
from host_sdk.errors import GoldenError
from relocatable.blob.blob import Blob, Entry, Golden, State, golden_inputs
from relocatable.blob.host import HostModel
from tests.conftest import ROOT
from tests.unit.host_sdk.blobs import adder_metadata, make_blob
from tests.unit.host_sdk.conftest import Connect

OLD = ROOT / "tests/models/shade3_format_1_0.blob"

# Output = sum of all inputs since the reset, which sets it to 100; the state is behind both.
SUMS = (
    "for (int i = 0; i < SIZE; i++) {"
    " c->arena[2 * AT + i] = (unsigned char)(c->arena[2 * AT + i] + c->arena[i]);"
    " c->arena[AT + i] = c->arena[2 * AT + i]; }"
)
SETS = "for (int i = 0; i < SIZE; i++) { c->arena[2 * AT + i] += 100; }"
N = 8
INPUT = np.arange(N, dtype=np.int8)


def keeping(golden: Golden | None = None, resets: int = 1) -> bytes:
    """Make a blob that adds up its inputs."""
    metadata = adder_metadata(N)
    raw = make_blob(
        n=N, bodies=(SUMS, SETS), results=((9, bytes(N)),), golden=None, metadata=metadata
    )
    blob = Blob.unpack(raw)
    described = metadata | {"steps": [{**metadata["steps"][0], "name": name} for name in "abc"]}
    return replace(
        blob,
        entries=(Entry(0, 1),),
        state=State(128, N, 1, resets),
        golden=golden,
        metadata={"targets": ["cortex-m3"], **described},
    ).pack()


def sums(start: int, *inputs: bytes) -> bytes:
    """Return the outputs of these runs, one after another."""
    state, out = np.full(N, start, np.uint8), b""
    for raw in inputs:
        state = state + np.frombuffer(raw, np.uint8)
        out += state.tobytes()
    return out


def ran(device: Device) -> bytes:
    """Run INPUT and return the output's bytes."""
    output = device.infer(INPUT, raw=True)
    assert isinstance(output, np.ndarray)
    return output.tobytes()


def test_the_state_is_kept_until_it_is_reset(connect: Connect) -> None:
    _, device = connect()
    device.load_model(keeping())
    raw = INPUT.tobytes()
    expected = sums(100, raw, raw, raw)
    for at in range(0, 3 * N, N):
        assert ran(device) == expected[at : at + N]
    device.reset_state()
    assert ran(device) == expected[:N]
    assert device.model().state_bytes == N


def test_without_steps_of_its_own_it_is_zeros(connect: Connect) -> None:
    _, device = connect()
    device.load_model(keeping(resets=0))
    raw = INPUT.tobytes()
    for _ in range(2):
        assert ran(device) == sums(0, raw)
        assert ran(device) == sums(0, raw, raw)[N:]
        device.reset_state()


def test_another_version_begins_again(connect: Connect) -> None:
    _, device = connect()
    raw = INPUT.tobytes()
    for resets in (1, 0, 1):
        device.load_model(keeping(resets=resets))
        ran(device)
        assert ran(device) == sums(100 * resets, raw, raw)[N:]


def test_this_computer_runs_it_alike() -> None:
    raw = INPUT.tobytes()
    expected = sums(100, raw, raw)
    with HostModel(keeping()) as model:
        for at in (0, N):
            model.write_inputs([INPUT.reshape(1, N)])
            model.run()
            assert model.outputs()[0].tobytes() == expected[at : at + N]
        model.reset_state()
        model.write_inputs([INPUT.reshape(1, N)])
        model.run()
        assert model.outputs()[0].tobytes() == expected[:N]


MADE = golden_inputs(7, 3 * N)
RUNS = sums(100, *(MADE[at : at + N] for at in range(0, 3 * N, N)))


@pytest.mark.parametrize(
    "golden",
    [
        Golden(RUNS, seed=7, runs=3),
        Golden(RUNS[:N], seed=7),
        Golden(sha256(RUNS).digest(), seed=7, runs=3, hashed=True),
        Golden(RUNS, inputs=MADE, runs=3),
        Golden(sha256(RUNS).digest(), inputs=MADE, runs=3, hashed=True),
    ],
)
def test_a_golden_vector_may_take_several_runs(connect: Connect, golden: Golden) -> None:
    _, device = connect()
    device.load_model(keeping(golden))
    # The test left nothing behind.
    assert ran(device) == sums(100, INPUT.tobytes())
    wrong = replace(golden, outputs=bytes([*golden.outputs[:-1], golden.outputs[-1] ^ 1]))
    with pytest.raises(GoldenError):
        device.load_model(keeping(wrong))


def test_floats_of_a_golden_vector_are_made_on_the_board(connect: Connect) -> None:
    _, device = connect()
    body = "for (int i = 0; i < SIZE; i++) { c->arena[AT + i] = c->arena[i]; }"
    blob = Blob.unpack(make_blob(n=N, bodies=(body, body), golden=None))
    made = golden_inputs(7, N, floats=True)
    device.load_model(replace(blob, golden=Golden(made, seed=7, floats=True)).pack())
    wrong = Golden(made[:-1] + bytes([made[-1] ^ 1]), seed=7, floats=True)
    with pytest.raises(GoldenError, match="byte 7"):
        device.load_model(replace(blob, golden=wrong).pack())


def test_a_blob_of_format_1_0_runs(connect: Connect) -> None:
    _, device = connect()
    device.load_model(OLD)
    model = device.model()
    assert [str(t) for t in model.inputs] == ["uint8 [1, 8, 8, 1]"]
    assert [step.name for step in model.steps][-1] == "classify"
    assert device.classify(np.full((8, 8), 250, np.uint8))[0].label == "bright"
