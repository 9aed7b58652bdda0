"""libxipnet in programs of others: by two compilers, on two CPUs; manifests."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from benchmarks.library import sizes
from host_sdk import Device
from relocatable.ops._shared.random import random_input
from relocatable.read_tflite import read_tflite
from tests.conftest import MODELS_DIR, ROOT
from tests.local_port import connect, free_port
from tests.numeric.harness import reference
from tests.sim.conftest import example_model
from tools.library import write_library

pytestmark = [pytest.mark.sim, pytest.mark.few(4, proof="library")]

FIRST, SECOND = example_model("digits"), MODELS_DIR / "mnist_small_int8.tflite"
BUILDS = [(cpu, tools) for cpu in ("cortex-m0plus", "cortex-m4") for tools in ("gcc", "zig")]
TEXT_MAX = 8192  # bytes of what loads and runs, on a Cortex-M4


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("libxipnet")
    write_library(folder)
    return folder


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make(library: Path, example: str, cpu: str, tools: str, tmp_path: Path, *more: str) -> Path:
    """Copy the library, as a user has it, and build an example there; its folder."""
    needs = {"gcc": "arm-none-eabi-gcc", "zig": "make"}[tools]
    if shutil.which(needs) is None:
        pytest.skip(f"needs {needs}")
    folder = tmp_path / "libxipnet"
    shutil.copytree(library, folder)
    compiler = [f"CC={sys.executable} -m ziglang cc"] if tools == "zig" else []
    words = [f"CPU={cpu}", f"TOOLS={tools}", f"XIPNET={sys.executable} -m xipnet", *compiler, *more]
    warnings = run(["make", "-s", *words, f"{example}.elf"], folder / "examples" / example)
    assert "warning" not in warnings
    return folder / "examples" / example


def emulator(folder: Path, cpu: str, serial: str) -> list[str]:
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("needs qemu-system-arm")
    rules = (folder.parent / "bare" / "rules.mk").read_text()
    [machine] = re.findall(rf"MACHINE_{cpu} = (\S+)", rules)
    silent = ["-display", "none", "-monitor", "none", "-nic", "none", "-serial", serial]
    return ["qemu-system-arm", "-M", machine, "-semihosting", *silent]


@pytest.mark.few(1, proof="library")
@pytest.mark.parametrize(("cpu", "tools"), BUILDS)
def test_models_are_loaded(library: Path, cpu: str, tools: str, tmp_path: Path) -> None:
    models = (f"FIRST={FIRST}", f"SECOND={SECOND}")
    folder = make(library, "load", cpu, tools, tmp_path, *models)
    said = run([*emulator(folder, cpu, "stdio"), "-kernel", "load.elf"], folder).splitlines()
    assert [line.partition(":")[0] for line in said] == [
        *("first", "second", "first", "second", "first"),  # swapped, then side by side
        "refused",
    ]
    assert all(": exact; " in line for line in said[:5])
    assert "SHA-256 is wrong" in said[5]


@pytest.fixture
def port(library: Path, cpu: str, tools: str, tmp_path: Path) -> Iterator[int]:
    folder = make(library, "server", cpu, tools, tmp_path)
    number = free_port()
    serial = f"tcp:127.0.0.1:{number},server=on,wait=off,nodelay=on"
    command = [*emulator(folder, cpu, serial), "-kernel", str(folder / "server.elf")]
    board = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    connect(number, 10).close()
    yield number
    board.kill()
    board.wait()


@pytest.mark.few(1, proof="library")
@pytest.mark.parametrize(("cpu", "tools"), BUILDS)
def test_a_host_swaps_models(port: int, cpu: str) -> None:
    with Device(f"socket://127.0.0.1:{port}") as board:
        assert board.info().cpu == cpu
        for model in (FIRST, SECOND, FIRST):
            data = model.read_bytes()
            graph = read_tflite(data, model.stem)
            given = graph.tensors[graph.inputs[0]]
            x = random_input(np.random.default_rng(5), given.shape, given.dtype)
            assert board.load_model(model).golden
            expected = reference(data, [x])[graph.outputs[0]]
            np.testing.assert_array_equal(board.infer(x, raw=True), expected)


def test_the_loader_is_small_and_has_no_state(library: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs arm-none-eabi-gcc")
    text, ram = sizes(library / "src" / "xipnet.c", "cortex-m4", "load and run")
    assert 0 < text <= TEXT_MAX
    assert ram == 0  # as many models as one likes: all there is lies in the caller's memory


@pytest.mark.parametrize(
    "defined", ["", "-DXN_REASON_WORDS=0", "-DXIPNET_SERVER=1", "-DXIPNET_SERVER=1 -DXN_LOCKABLE=1"]
)
def test_it_compiles_without_a_warning(library: Path, defined: str, tmp_path: Path) -> None:
    (tmp_path / "use.cpp").write_text('#include "xipnet.h"\nxn_model model;\n')
    cc = [sys.executable, "-m", "ziglang"]
    flags = ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-O1", "-Wall", "-Wextra"]
    flags += ["-Werror", "-c", "-o", "out.o", *defined.split()]
    flags += [f"-I{library / 'src'}", f"-I{library / 'examples/bare/libc'}"]
    run([*cc, "cc", *flags, "-std=gnu11", str(library / "src" / "xipnet.c")], tmp_path)
    run([*cc, "c++", *flags, "-std=c++17", "use.cpp"], tmp_path)


def test_the_page_s_program_compiles(library: Path, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs arm-none-eabi-gcc")
    page = (ROOT / "docs/LIBRARY.md").read_text(encoding="utf-8")
    program = page.partition("## Load and run\n")[2].partition("\n| call")[0]
    (tmp_path / "page.c").write_text(
        f"#include <stdio.h>\n#include <string.h>\n{textwrap.dedent(program)}"
    )
    flags = "-mcpu=cortex-m4 -mthumb -std=gnu11 -Wall -Wextra -Werror -c page.c"
    run(["arm-none-eabi-gcc", f"-I{library / 'src'}", *flags.split()], tmp_path)


# What a Zephyr module's file may say, of the keys that ours has (scripts/zephyr_module.py).
ZEPHYR_MODULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "build"],
    "properties": {
        "name": {"type": "string"},
        "build": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"cmake": {"type": "string"}, "kconfig": {"type": "string"}},
        },
    },
}
# And a library.json of PlatformIO: its schema's required keys, and what kind ours are of.
PLATFORMIO = {
    "type": "object",
    "required": ["name", "version", "description", "keywords"],
    "properties": {
        "name": {"type": "string", "maxLength": 50, "pattern": "^[a-z0-9-]+$"},
        "version": {"type": "string", "maxLength": 20, "pattern": r"^\d+\.\d+\.\d+$"},
        "description": {"type": "string", "maxLength": 255},
        "keywords": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9 -]+$"}},
        "license": {"const": "MIT"},
        "headers": {"const": "xipnet.h"},
        "build": {"type": "object"},
    },
}


def test_the_zephyr_module_is_one(library: Path) -> None:
    lines = (library / "zephyr/module.yml").read_text().splitlines()
    top = dict(line.split(": ") for line in lines if not line.startswith(" ") and ": " in line)
    build = dict(line.strip().split(": ") for line in lines if line.startswith(" "))
    jsonschema.validate({**top, "build": build}, ZEPHYR_MODULE)
    assert (library / build["cmake"] / "CMakeLists.txt").is_file()
    kconfig = (library / build["kconfig"]).read_text()
    used = set(
        re.findall(r"CONFIG_(\w+)", (library / build["cmake"] / "CMakeLists.txt").read_text())
    )
    assert used <= set(re.findall(r"^(?:menu)?config (\w+)", kconfig, re.M))


def test_manifests_name_what_is_there(library: Path) -> None:
    manifest = json.loads((library / "library.json").read_text())
    jsonschema.validate(manifest, PLATFORMIO)
    assert (library / manifest["build"]["srcDir"] / manifest["headers"]).is_file()
    lines = (library / "library.properties").read_text().splitlines()
    arduino = dict(line.split("=", 1) for line in lines)
    assert arduino["version"] == manifest["version"]
    assert (library / "src" / arduino["includes"]).is_file()


def test_cmake_makes_a_library(library: Path, tmp_path: Path) -> None:
    for tool in ("cmake", "arm-none-eabi-gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    options = {
        "CMAKE_C_COMPILER": "arm-none-eabi-gcc",
        "CMAKE_C_FLAGS": "-mcpu=cortex-m4 -mthumb",
        "CMAKE_SYSTEM_NAME": "Generic",
        "CMAKE_TRY_COMPILE_TARGET_TYPE": "STATIC_LIBRARY",
        "XIPNET_SERVER": "ON",
        "XIPNET_LOCKABLE": "ON",
    }
    words = [f"-D{key}={value}" for key, value in options.items()]
    run(["cmake", "-S", str(library), "-B", str(tmp_path), *words], tmp_path)
    run(["cmake", "--build", str(tmp_path)], tmp_path)
    assert (tmp_path / "libxipnet.a").is_file()
