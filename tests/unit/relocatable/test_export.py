"""A model as C: names, what the header says, what is refused."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from host_sdk.cli import main
from relocatable.blob.blob import Blob, Entry, Golden, Io, Variant
from relocatable.errors import BlobError
from relocatable.export.c_project import c_name, c_project, needs_host, write_c_project
from relocatable.targets import FAMILIES, TARGETS, find_target, host_family

M4 = find_target("cortex-m4")
OUTPUTS = bytes(range(10))
PORT = {"scale": 0.5, "zero_point": 3, "tensor": 0}
BLOB = Blob(
    variants=(
        Variant(M4.family.number, M4.level, M4.feature_bits, b"pG" * 2, b"weights", (0,), 64, 32),
    ),
    inputs=(Io(0, 16),),
    outputs=(Io(16, 10),),
    entries=(Entry(0, 1),),
    metadata={
        "name": "tiny",
        "tool": "a test",
        "inputs": [{"name": "sound", "shape": [1, 16], "dtype": "uint8", **PORT}],
        "outputs": [{"name": "score\\", "shape": [10], "dtype": "int8", **PORT}],
        "targets": ["cortex-m4"],
        "tensors": [{"name": "t", "shape": [10], "dtype": "int8", **PORT, "offset": 16}],
        "steps": [{"name": "t", "op": "ADD", "macs": 0, "weights": 0, "outputs": [0]}],
    },
    golden=Golden(OUTPUTS, seed=7),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("digits", "digits"), ("My model-2", "my_model_2"), ("8k", "model_8k"), ("größe", "gr__e")],
)
def test_names_of_c(name: str, expected: str) -> None:
    assert c_name(name) == expected


def test_the_header_says_what_a_program_needs() -> None:
    header = c_project("tiny", BLOB.pack())["tiny.h"]
    for line in (
        "#define TINY_ARENA_BYTES 64u // RAM, at a multiple of 16",
        "#define TINY_STACK_BYTES 32u // that the model's code may use",
        "// sound: uint8 [1, 16], real = 0.5 * (value - 3)",
        "#define TINY_INPUT_0_BYTES 16u",
        "// score?: int8 [10], real = 0.5 * (value - 3)",  # a name ends no comment
        "#define TINY_OUTPUT_0_BYTES 10u",
        f"#define TINY_GOLDEN_CRC32 {zlib.crc32(OUTPUTS):#010x}u // for xn_model_test()",
    ):
        assert line in header.splitlines()
    assert "TINY_HEAD" not in header


def test_the_array_is_the_blob_without_what_only_tools_read() -> None:
    source = c_project("tiny", BLOB.pack())["tiny.c"]
    body = source[source.index("] = {") + 5 : source.index("};")]
    image = Blob.unpack(bytes(int(n) for n in body.replace(",", " ").split()))
    assert (image.variants, image.golden) == (BLOB.variants, BLOB.golden)
    assert image.metadata == {"name": "tiny"}


def test_every_target_is_known_to_a_c_compiler() -> None:
    for target in TARGETS.values():
        if not target.family.machines:
            assert target.family.condition.format(level=target.level) != "1"
            assert all(feature.condition != "1" for feature in target.features)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (replace(BLOB, variants=BLOB.variants * 2), "must have one variant; has 2"),
        (replace(BLOB, golden=None), "must have a golden vector; has none"),
        (replace(BLOB, golden=Golden(bytes(32), 7, hashed=True)), "has their hash"),
    ],
)
def test_refusals(changed: Blob, said: str) -> None:
    with pytest.raises(BlobError, match=said):
        c_project("tiny", changed.pack())
    assert needs_host(changed.pack()) == ("hash" in said)


def test_a_model_for_this_computer_is_refused() -> None:
    here = replace(BLOB.variants[0], family=host_family(), level=0, features=0)
    with pytest.raises(BlobError, match=f"is for {FAMILIES[host_family()].name}"):
        c_project("tiny", replace(BLOB, variants=(here,)).pack())


def test_a_family_that_nobody_knows_is_refused() -> None:
    other = replace(BLOB.variants[0], family=99)
    with pytest.raises(BlobError, match="must be for a microcontroller; is for 99"):
        c_project("tiny", replace(BLOB, variants=(other,)).pack())


@pytest.mark.parametrize("name", ["main", "xn_model", "XN_blob", "string"])
def test_a_model_replaces_no_other_file(name: str) -> None:
    files = c_project(name, BLOB.pack())
    assert set(files) == {
        *("xn_blob.h", "xn_model.h", "xn_model.c", "main.c", "Makefile", "CMakeLists.txt"),
        *(f"model_{name.lower()}.h", f"model_{name.lower()}.c"),
    }


def test_an_example_of_the_users_stays(tmp_path: Path) -> None:
    files = c_project("tiny", BLOB.pack())
    assert {path.name for path in write_c_project(files, tmp_path)} == set(files)
    (tmp_path / "main.c").write_text("mine")
    (tmp_path / "tiny.h").write_text("old")
    assert tmp_path / "main.c" not in write_c_project(files, tmp_path)
    assert (tmp_path / "main.c").read_text() == "mine"
    assert (tmp_path / "tiny.h").read_text() == files["tiny.h"]


def export(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["export", *map(str, arguments)])
    return done.exit_code, done.output


def test_the_command(tmp_path: Path) -> None:
    blob = tmp_path / "Tiny 1.bin"
    blob.write_bytes(BLOB.pack())
    status, said = export(blob, "--c", tmp_path / "out")
    assert (status, said.splitlines()[-1]) == (
        *(0, "your program includes tiny_1.h, and links tiny_1.c and xn_model.c"),
    )
    assert (tmp_path / "out/tiny_1.c").exists()
    status, said = export(blob, "--c", tmp_path, "--target", "cortex-m4")
    assert (status, "compiled already" in said) == (2, True)
    blob.write_bytes(BLOB.pack()[:-1])
    status, said = export(blob, "--c", tmp_path)
    assert (status, "is a damaged blob" in said) == (1, True)
    tflite = tmp_path / "a.tflite"
    tflite.write_bytes(b"\x1c\0\0\0TFL3")
    status, said = export(tflite, "--c", tmp_path)
    assert (status, "needs --target" in said) == (2, True)
