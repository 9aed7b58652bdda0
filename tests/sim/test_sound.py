"""A front end, a streaming network and the head `audio` in one blob, on boards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from host_sdk import Device
from host_sdk.cli import main
from host_sdk.cli.demos import wakeword
from host_sdk.cli.sound.scene import HOP
from relocatable import compile_model
from relocatable.blob.host import HostModel
from tests.variables import streaming_model

pytestmark = pytest.mark.sim

HEAD: dict[str, Any] = {
    "head": "audio",
    "audio": {"window": 3, "threshold": 0.05, "refractory": 4},
    "sound": {"front_end": "micro"},
}


def test_a_board_keeps_what_it_heard_from_run_to_run() -> None:
    model = streaming_model(features=40)
    rng = np.random.default_rng(6)
    sound = (rng.normal(0, 1, (12, HOP)) * 10 ** rng.uniform(1, 4, (12, 1))).astype(np.int16)
    with HostModel(compile_model(model, target="host", head=HEAD, golden=False)) as host:
        expected = []
        for hop in sound:
            host.write_inputs([hop])
            host.run(1)
            expected += host.items(1)
    assert 1 < sum(item[2] for item in expected) < 5
    with Device("sim://cortex-m4") as board:
        board.load_model(compile_model(model, target="cortex-m4", head=HEAD), "sound")
        for _ in range(2):
            assert [board.run_head(hop)[0] for hop in sound] == expected
            board.reset_state()
        board.exec("import xipnet\nm = xipnet.Model('sound')")
        for hop, item in zip(sound[:4], expected, strict=False):
            board.exec(f"[found] = m.run_head({hop.tobytes()!r})")
            assert board.eval("(str(found.label), found.score, found.fired)") == list(item)


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m55"])
def test_the_demo_draws_when_it_fires(
    cpu: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A small network in place of the package's.
    model = tmp_path / "small.tflite"
    model.write_bytes(streaming_model(features=40))
    monkeypatch.setattr(wakeword, "find_model", lambda word: (model, HEAD))
    monkeypatch.setattr(wakeword, "ask_package", lambda sound, word: wakeword.Heard([0.0], []))
    monkeypatch.setattr(wakeword, "LEVELS", (0,))
    monkeypatch.setattr(wakeword, "spoken", lambda: np.full(480, 9000, np.int16))
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(main, ["demo", "wakeword", "--board", cpu])
    assert shown.exit_code == 0, shown.output
    assert "as loud as the phrase" in shown.output
    with Image.open(tmp_path / "out" / "wakeword_timeline.png") as picture:
        assert picture.size == (880, 184)
