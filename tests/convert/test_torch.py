"""litert-torch in the environment that the command makes: outputs, live models."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from host_sdk import ModelFileError
from host_sdk.inference.model_source import open_model
from tests.conftest import ROOT
from tests.convert import private_environments
from tests.convert.samples import assert_board_computes, assert_computes, expected

pytestmark = [pytest.mark.proof("convert"), pytest.mark.usefixtures("private")]


@pytest.mark.parametrize("name", ["photo", "open_batch", "pair", "dense"])
def test_outputs_are_those_of_pytorch(torch_models: Path, name: str) -> None:
    inputs, outputs = expected(torch_models, name)
    opened = open_model(torch_models / f"{name}.pt2")
    assert_computes(opened, name, inputs, outputs)


@pytest.mark.sim
def test_a_board_computes_it(torch_models: Path) -> None:
    assert_board_computes(torch_models / "photo.pt2", *expected(torch_models, "photo"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("double.pt2", "input 'input' must be float32 or an integer; is float64: call .float()"),
        ("whole.pth", r"is a pickle of torch\.save .*torch\.export\.save"),
        ("state.pt", r"is a pickle of torch\.save .*torch\.export\.save"),
    ],
)
def test_what_is_refused(torch_models: Path, name: str, sentence: str) -> None:
    with pytest.raises(ModelFileError, match=sentence):
        open_model(torch_models / name)


LIVE = """
import sys
sys.path[1:1] = [{root!r}, {here!r}]
sys.path.append({beside!r})
import numpy as np
import torch
from make_torch import Photo
from host_sdk.inference.model_source import open_model
from host_sdk.validation.litert import Reference

net, picture = Photo(), torch.rand(1, 3, 16, 16)
for source in ((net, (picture,)), torch.export.export(net.eval(), (picture,))):
    opened = open_model(source)
    with Reference(opened.data) as reference, torch.no_grad():
        [found] = reference.run([picture.permute(0, 2, 3, 1).contiguous().numpy()])
        np.testing.assert_allclose(found, net(picture).numpy(), rtol=0, atol=1e-5)
    print(opened.name)
"""


def test_live_models(torch_models: Path, tmp_path: Path) -> None:
    """Where PyTorch is, our package may be as well: a .py of a user."""
    program = tmp_path / "live.py"
    names = {
        "root": str(ROOT),
        "here": str(Path(__file__).parent),
        "beside": sysconfig.get_path("purelib"),
    }
    program.write_text(LIVE.format(**names))
    python = private_environments.make("torch")
    done = subprocess.run(
        [str(python), str(program)],
        capture_output=True,
        text=True,
        env={**os.environ, "XIPNET_CACHE": str(private_environments.CACHE)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.split() == ["Photo", "model"]
