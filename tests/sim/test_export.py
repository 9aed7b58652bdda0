"""`xipnet export --c`: the example tests itself, as two compilers build it."""

from __future__ import annotations

import shutil
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import ziglang
from click.testing import CliRunner

from host_sdk.cli import main
from relocatable.targets import TARGETS
from tests.conftest import MODELS_DIR, ROOT
from tests.numeric.machines import MACHINES
from tests.sim.conftest import example_model

pytestmark = pytest.mark.sim

RUNNER = ROOT / "tests/numeric/runner"
START = (RUNNER / "arm.c", Path(__file__).with_name("data") / "export/run_main.c")
LAYOUT = """SECTIONS {
  .text 0 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }
  .stack 0x20000000 (NOLOAD) : { . = . + 0x4000; stack_top = .; }
  .bss : { *(.data*) *(.bss*) *(COMMON) }
  /DISCARD/ : { *(.ARM.*) *(.comment) }
}
"""
GCC = {
    "cortex-m0plus": "-mcpu=cortex-m0plus -mthumb",
    "cortex-m4": "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard",
    "cortex-m55": "-mcpu=cortex-m55 -mthumb -mfloat-abi=hard",
}
WARNINGS = "-O2 -Wall -Wextra -Wconversion -Werror"
ZIG = Path(ziglang.__file__).parent / "zig"


def exported(model: Path, target: str, folder: Path, name: str = "a model") -> Path:
    command = ["export", str(model), "--c", str(folder), "--target", target, "--name", name]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    return folder


def make(folder: Path, **variables: str) -> Path:
    """Build the example by the Makefile that was exported."""
    (folder / "bare.ld").write_text(LAYOUT)
    linked = f"-nostdlib -Wl,-T,bare.ld -I{RUNNER} {START[0]} {START[1]}"
    command = ["make", *(f"{k}={v}" for k, v in variables.items()), f"LDFLAGS={linked}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "example.elf"


def with_gcc(folder: Path, target: str) -> Path:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs arm-none-eabi-gcc: apt install gcc-arm-none-eabi")
    tools = {"CC": "arm-none-eabi-gcc", "AR": "arm-none-eabi-ar"}
    return make(folder, CFLAGS=f"{GCC[target]} {WARNINGS}", **tools)


def with_clang(folder: Path, target: str) -> Path:
    cpu = TARGETS[target]
    cc = f"{ZIG} cc -target {cpu.zig_target} -mcpu={cpu.zig_cpu}"
    return make(folder, CC=cc, AR=f"{ZIG} ar", CFLAGS=WARNINGS)


def status_of(elf: Path, target: str) -> int:
    emulator = MACHINES[target].emulator
    if shutil.which(emulator[0]) is None:
        pytest.skip(f"needs {emulator[0]}: apt install {MACHINES[target].package}")
    command = [*emulator, str(elf)]
    return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode


@pytest.mark.few(3)
@pytest.mark.parametrize("build", [with_gcc, with_clang])
@pytest.mark.parametrize("target", GCC)
def test_the_example_passes(
    build: Callable[[Path, str], Path], target: str, tmp_path: Path
) -> None:
    elf = build(exported(example_model("digits"), target, tmp_path), target)
    assert status_of(elf, target) == 0


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["mnist_small_f32", "gru_int8"])  # floats; a state
def test_other_models_pass(name: str, tmp_path: Path) -> None:
    elf = with_gcc(exported(MODELS_DIR / f"{name}.tflite", "cortex-m4", tmp_path), "cortex-m4")
    assert status_of(elf, "cortex-m4") == 0


def test_a_changed_weight_fails(tmp_path: Path) -> None:
    folder = exported(example_model("digits"), "cortex-m4", tmp_path)
    source = folder / "a_model.c"
    lines = source.read_text().splitlines()
    [first] = [i for i, line in enumerate(lines) if line.endswith("] = {")]
    weights = first + 1 + 4096 // 24
    lines[weights] = lines[weights].replace(", ", ", 64 ^ ", 1)
    source.write_text("\n".join(lines) + "\n")
    assert status_of(with_gcc(folder, "cortex-m4"), "cortex-m4") != 0


def test_another_cpu_is_refused(tmp_path: Path) -> None:
    folder = exported(example_model("digits"), "cortex-m4", tmp_path)
    with pytest.raises(AssertionError, match="a_model was compiled for cortex-m4"):
        with_gcc(folder, "cortex-m0plus")


def test_the_page_s_program_compiles(tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs arm-none-eabi-gcc")
    folder = exported(example_model("digits"), "cortex-m4", tmp_path, name="digits")
    page = (ROOT / "docs/EXPORT.md").read_text(encoding="utf-8")
    program = page.partition("## Ten lines")[2].partition("`xn_model_run")[0]
    (folder / "page.c").write_text(textwrap.dedent(program))
    flags = [*GCC["cortex-m4"].split(), *WARNINGS.split(), '-DXN_MODEL_SECTION=".model"', "-c"]
    command = ["arm-none-eabi-gcc", *flags, "page.c", "digits.c"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sections = subprocess.run(
        ["arm-none-eabi-objdump", "-h", "digits.o"], cwd=folder, capture_output=True, check=True
    )
    assert b".model" in sections.stdout


def test_cmake_makes_the_library(tmp_path: Path) -> None:
    for tool in ("cmake", "arm-none-eabi-gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    folder = exported(example_model("digits"), "cortex-m4", tmp_path / "model")
    out = tmp_path / "out"
    options = {
        "CMAKE_C_COMPILER": "arm-none-eabi-gcc",
        "CMAKE_C_FLAGS": GCC["cortex-m4"],
        "CMAKE_SYSTEM_NAME": "Generic",
        "CMAKE_TRY_COMPILE_TARGET_TYPE": "STATIC_LIBRARY",
    }
    set_up = ["cmake", "-S", str(folder), "-B", str(out)]
    set_up += [f"-D{key}={value}" for key, value in options.items()]
    for command in (set_up, ["cmake", "--build", str(out)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (out / "liba_model.a").stat().st_size > 15_000
