"""The pages of converters show what happens: blocks `train`, `onnx`, `torch`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.convert import private_environments
from tests.convert.conftest import run
from tests.sim.transcript import FLAGS, ROOT, Block, check, console_steps, read_blocks

pytestmark = [pytest.mark.sim, pytest.mark.proof("convert")]

PAGE = ROOT / "docs" / "KERAS.md"
COMMAND = '#!/bin/sh\nexec {python} -c "from host_sdk.cli import main; main()" "$@"\n'
TEST = (
    "import doctest, sys; sys.exit(doctest.testfile({path!r}, False, optionflags={flags}).failed)"
)


def type_steps(page: Path, block: Block, here: Path, environment: Mapping[str, str]) -> int:
    """Type a block's commands, and compare what comes; return how many there were."""
    steps = console_steps(block)
    for step in steps:
        ran = subprocess.run(
            *(step.typed,),
            shell=True,
            cwd=here,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            # TensorFlow greets on the standard error; errors of ours are read there.
            stderr=subprocess.STDOUT if "xipnet" in step.typed else sys.stderr,
            check=False,
        )
        check(page, step, ran.stdout)
    return len(steps)


def test_the_page(tensorflow: Path, tmp_path: Path) -> None:
    programs, here = tmp_path / "programs", tmp_path / "here"
    programs.mkdir()
    here.mkdir()
    xipnet = programs / "xipnet"
    xipnet.write_text(COMMAND.format(python=tensorflow))
    xipnet.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(programs), str(tensorflow.parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    kinds = []
    for block in read_blocks(PAGE):
        kinds.append(block.kind)
        match block.kind:
            case "console train":
                type_steps(PAGE, block, here, environment)
            case "pycon train":
                text = here / "session.txt"
                text.write_text(block.text)
                run(tensorflow, "-c", TEST.format(path=str(text), flags=FLAGS), folder=here)
            case kind:
                (here / kind.partition(" ")[2]).write_text(block.text)
    assert kinds == [
        *("python make_net.py", "console train", "pycon train"),
        *("python live.py", "console train", "console train"),
    ]


@pytest.mark.parametrize("name", ["onnx", "torch"])
@pytest.mark.usefixtures("private")
def test_the_pages_of_private_environments(name: str, tmp_path: Path) -> None:
    """The environment's Python makes the models; the command is this project's."""
    page = ROOT / "docs" / {"onnx": "ONNX.md", "torch": "PYTORCH.md"}[name]
    if name == "onnx":  # whose page makes it, from nothing
        private_environments.remove(name)
        python = private_environments.python_of(name)
    else:
        python = private_environments.make(name)
    programs, here = tmp_path / "programs", tmp_path / "here"
    programs.mkdir()
    here.mkdir()
    xipnet = programs / "xipnet"
    xipnet.write_text(COMMAND.format(python=sys.executable))
    xipnet.chmod(0o755)
    (programs / "python").write_text(f'#!/bin/sh\nexec {python} -I "$@"\n')
    (programs / "python").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
    }
    ran = 0
    for block in read_blocks(page):
        if block.kind == f"console {name}":
            ran += type_steps(page, block, here, environment)
        else:
            (here / block.kind.partition(" ")[2]).write_text(block.text)
    assert ran == {"onnx": 4, "torch": 3}[name]
