"""The models of pymicro-wakeword, beside LiteRT and its own runtime."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from host_sdk import Device
from host_sdk.cli.demos.wakeword import Heard, find_model, hear
from host_sdk.cli.sound.scene import HOP, Sound
from relocatable import compile_model
from relocatable.blob.host import HostModel
from tests.numeric.microfrontend import (
    VECTORS,
    Array,
    features_of_blob,
    sound_of_every_kind,
    write_vectors,
)
from tests.numeric.wake_word import EXPECTED, WORDS, ask, sounds

pytestmark = pytest.mark.skipif(
    find_spec("pymicro_wakeword") is None, reason="needs pymicro-wakeword: xipnet[examples]"
)
litert = pytest.importorskip("ai_edge_litert.interpreter")

MODELS = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
CPUS = ("cortex-m4", "cortex-m55")
# The package's runtime has other kernels (XNNPACK), which round otherwise.
MOST_APART = 0.03


def streaming_steps() -> Array:
    """Make int8 [100, 1, 3, 40]: features of any value, with speech among them."""
    with np.load(VECTORS) as vectors:
        speech = vectors["features"].reshape(-1, 1, 3, 40)
    steps = np.random.default_rng(2).integers(-128, 128, (100, 1, 3, 40)).astype(np.int8)
    steps[10 : 10 + len(speech)] = speech
    return steps


@pytest.mark.proof("wakeword")
@pytest.mark.parametrize("word", MODELS)
def test_100_streaming_steps_are_litert_s(word: str) -> None:
    path, _ = find_model(word)
    resolver = litert.OpResolverType.BUILTIN_REF
    model = litert.Interpreter(str(path), experimental_op_resolver_type=resolver)
    model.allocate_tensors()
    (given,), (made,) = model.get_input_details(), model.get_output_details()
    with HostModel(compile_model(path, target="host", golden=False)) as host:
        for x in streaming_steps():
            host.write_inputs([x])
            host.run()
            model.set_tensor(given["index"], x)
            model.invoke()
            np.testing.assert_array_equal(host.outputs()[0], model.get_tensor(made["index"]))


def compare(
    heard: Mapping[str, Heard], expected: Mapping[str, Sequence[float]], cutoff: float
) -> None:
    """Compare scores and when it fires, which may be one run apart."""
    for level, means in expected.items():
        seen, first = heard[level], [at for at, mean in enumerate(means) if mean > cutoff][:1]
        # The package gives 0 until its window is full.
        np.testing.assert_allclose(seen.scores[4:], means[4:], rtol=0, atol=MOST_APART)
        assert len(seen.fired) == len(first), level
        assert abs(sum(seen.fired) - sum(first)) <= 1, level


def hear_here(sound: Sound, model: HostModel) -> Heard:
    model.reset_state()
    items = []
    for hop in sound.reshape(-1, HOP):
        model.write_inputs([hop])
        model.run(1)
        items += model.items(1)
    return Heard([item[1] for item in items], [at for at, item in enumerate(items) if item[2]])


@pytest.mark.proof("wakeword")
@pytest.mark.parametrize("word", WORDS)
def test_it_fires_when_the_package_does(word: str) -> None:
    path, head = find_model(word)
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    with HostModel(compile_model(path, target="host", head=head, golden=False)) as model:
        heard = {level: hear_here(sound, model) for level, sound in sounds(word).items()}
    compare(heard, expected[word], head["audio"]["threshold"])


@pytest.mark.proof("wakeword")
@pytest.mark.parametrize("cpu", CPUS)
def test_100_streaming_steps_on_a_board_are_litert_s(
    cpu: str, record_property: Callable[[str, object], None]
) -> None:
    with Device(f"sim://{cpu}") as board:
        for word in MODELS:
            path, _ = find_model(word)
            board.load_model(path, name=word)
            report = board.validate(streaming_steps(), sequence=True)
            assert (report.reference, report.exact_samples) == ("litert", 100), word
    record_property("figures", f"{len(MODELS)} networks of 100 steps on {cpu}")


@pytest.mark.proof("wakeword")
@pytest.mark.parametrize("cpu", CPUS)
def test_a_board_hears_what_the_host_hears(
    cpu: str, record_property: Callable[[str, object], None]
) -> None:
    runs = 0
    with Device(f"sim://{cpu}") as board:
        for word in WORDS:
            path, head = find_model(word)
            board.load_model(path, name=word, head=head)
            heard = {level: hear(board, sound) for level, sound in sounds(word).items()}
            with HostModel(compile_model(path, target="host", head=head, golden=False)) as model:
                here = {level: hear_here(sound, model) for level, sound in sounds(word).items()}
            assert heard == here, word
            runs += sum(len(one.scores) for one in heard.values())
    record_property("figures", f"{runs} runs of {len(WORDS)} words on {cpu}")


@pytest.mark.proof("wakeword")
def test_the_package_still_gives_what_is_committed(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    assert set(expected) == set(WORDS)
    for word in WORDS:
        found = ask(sys.executable, word)
        assert {name: pytest.approx(means, abs=1e-6) for name, means in found.items()} == (
            expected[word]
        )
    rng = np.random.default_rng(5)
    loudness = np.repeat(10.0 ** rng.uniform(0, 4.5, 200), HOP)
    noise = np.clip(rng.normal(0, 1, 200 * HOP) * loudness, -32_768, 32_767).astype(np.int16)
    made = tmp_path / "vectors.npz"
    write_vectors(sys.executable, np.concatenate([sound_of_every_kind(), noise]), made)
    with np.load(made) as vectors:
        np.testing.assert_array_equal(features_of_blob(vectors["sound"]), vectors["features"])
        record_property("figures", f"{vectors['features'].size:,} features, all equal")
