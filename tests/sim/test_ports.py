"""Two inputs and outputs on the real firmware, by name and by position."""

from __future__ import annotations

import pytest

from host_sdk import Device, InputError, PythonError
from relocatable.blob.ports import Outputs
from tests.sim.conftest import evaluate
from tests.two_ports import IMAGE, STATE, turned, two_ports_model

pytestmark = pytest.mark.sim


def test_two_inputs_and_outputs() -> None:
    named = {"state": STATE[0], "image": IMAGE[0]}
    with Device("sim://cortex-m55") as board:
        board.load_model(two_ports_model(), "pair")
        outputs = board.infer(named, raw=True)
        assert isinstance(outputs, Outputs)
        assert (outputs["turned"] == turned(IMAGE[0])).all()
        with pytest.raises(InputError, match="'image', 'state'; 'state' missing"):
            board.infer({"image": IMAGE[0]})
        report = board.validate({"state": STATE, "image": IMAGE})
        assert (report.reference, report.exact_samples) == ("litert", 3)
        assert [d.name for d in report.differences] == ["next", "turned"]

        board.exec("import xipnet\nm = xipnet.Model('pair')")
        image, state = IMAGE[0].tobytes(), STATE[0].tobytes()
        expected = [y.tobytes() for y in outputs]
        for call in (f"{image!r}, {state!r}", f"{{'state': {state!r}, 'image': {image!r}}}"):
            assert evaluate(board, f"[bytes(y) for y in m.run({call})]") == expected
        wrong = {
            f"{{'image': {image!r}}}": "model has 2 inputs; got 1",
            f"{{'image': {image!r}, 'stat': {state!r}}}": "KeyError: state",
            f"{{'image': {image!r}, 'state': b'1'}}": "input 1 must have 6 bytes; has 1",
        }
        for call, message in wrong.items():
            with pytest.raises(PythonError, match=message):
                board.exec(f"m.run({call})")
