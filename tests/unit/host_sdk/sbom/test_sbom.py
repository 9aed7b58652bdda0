"""Lists of parts: valid CycloneDX, the same each time, nothing forgotten."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from host_sdk import __version__
from host_sdk.cli import main
from host_sdk.flashing.known_boards import known_board
from host_sdk.sbom import describe, to_cyclonedx
from host_sdk.sbom.part import Product
from host_sdk.sbom.third_parties import ZIG_VERSION
from tests.unit.host_sdk.blobs import adder_metadata, make_blob
from tests.unit.host_sdk.flashing.images import stm32, uf2

ROOT = Path(__file__).resolve().parents[4]
PARTIES = tomllib.loads((ROOT / "host_sdk/sbom/third_parties.toml").read_text())


def document(text: str) -> dict[str, Any]:
    """Read a list of parts, once CycloneDX's own schema took it."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    read: dict[str, Any] = json.loads(text)
    references = [c["bom-ref"] for c in (*read["components"], read["metadata"]["component"])]
    assert len(set(references)) == len(references)
    return read


def xipnet(*arguments: str | Path) -> str:
    done = CliRunner().invoke(main, ["sbom", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def stm32_image(tmp_path: Path) -> Path:
    """Play an image of a board without MicroPython."""
    file = tmp_path / "nucleo.bin"
    made = stm32(known_board("nucleo_f446re"), stack=0x20010000)
    file.write_bytes(made + __version__.encode() + b"\0")
    return file


@pytest.fixture
def pico_image(tmp_path: Path) -> Path:
    file = tmp_path / "pico.uf2"
    file.write_bytes(uf2(known_board("pico")))
    return file


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    file = tmp_path / f"xipnet-{__version__}-py3-none-any.whl"
    about = f"Metadata-Version: 2.4\nName: xipnet\nVersion: {__version__}\n"
    needs = 'Requires-Dist: rich>=13\nRequires-Dist: mypy; extra == "dev"\n'
    with ZipFile(file, "w") as made:
        made.writestr(f"xipnet-{__version__}.dist-info/METADATA", f"{about}{needs}\n")
    return file


def names(product: Product) -> set[str]:
    return {part.name for part in product.parts}


def test_an_image_names_its_parts(stm32_image: Path, pico_image: Path) -> None:
    small, large = describe(stm32_image), describe(pico_image)
    assert names(small) == {"xipnet-firmware", "compiler_rt"}
    assert names(large) >= {"micropython", "littlefs", "pico-sdk", "tinyusb", "libgcc"}
    assert not names(large) & {"monocypher", "compiler_rt"}
    assert small.parts[0].version == __version__
    assert large.parts[0].version == ""  # it does not hold this release's
    read = document(xipnet(stm32_image))
    digest = hashlib.sha256(stm32_image.read_bytes()).hexdigest()
    assert read["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest}]


def test_micropython_s_source_is_named_by_its_hash(pico_image: Path) -> None:
    read = document(xipnet(pico_image))
    [part] = [c for c in read["components"] if c["name"] == "micropython"]
    assert part["purl"] == f"pkg:github/micropython/micropython@v{part['version']}"
    assert re.fullmatch("[0-9a-f]{64}", part["properties"][0]["value"])


def test_a_firmware_that_checks_seals_holds_monocypher(stm32_image: Path) -> None:
    stm32_image.write_bytes(stm32_image.read_bytes() + b"XPSEAL1\0")
    assert "monocypher" in names(describe(stm32_image))


def test_a_blob_names_compiler_kernels_and_model(tmp_path: Path) -> None:
    blob, model = tmp_path / "toy.bin", tmp_path / "toy.tflite"
    blob.write_bytes(make_blob(metadata={**adder_metadata(8), "tool": "xipnet 7.8.9"}))
    model.write_bytes(b"a model")
    read = document(xipnet(blob, "--model", model))
    parts = {part["name"]: part for part in read["components"]}
    assert parts["xipnet-kernels"]["licenses"] == [{"license": {"id": "0BSD"}}]
    assert parts["xipnet-kernels"]["version"] == "7.8.9"
    assert parts["compiler_rt"]["scope"] == "optional"
    assert parts["toy.tflite"]["hashes"][0]["content"] == hashlib.sha256(b"a model").hexdigest()
    facts = {p["name"] for p in read["metadata"]["component"]["properties"]}
    assert facts == {"xipnet:compiler", "xipnet:targets"}


def test_a_wheel_names_what_is_installed(wheel: Path) -> None:
    read = document(xipnet(wheel))
    versions = {part["name"]: part["version"] for part in read["components"]}
    assert versions["rich"] == metadata.version("rich")
    assert "pygments" in versions  # that rich needs
    assert "mypy" not in versions
    installed = {part["name"] for part in document(xipnet())["components"]}
    assert installed >= {"click", "numpy", "pyserial"}


def test_the_text_is_the_same_each_time(
    stm32_image: Path, pico_image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    first = xipnet(stm32_image)
    assert "timestamp" not in first
    assert xipnet(stm32_image) == first
    serial = document(first)["serialNumber"]
    assert document(xipnet(pico_image))["serialNumber"] != serial
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    dated = document(xipnet(stm32_image))
    assert dated["metadata"]["timestamp"] == "1970-01-01T00:00:00+00:00"
    assert dated["serialNumber"] != serial


def test_several_files_are_one_document(stm32_image: Path, pico_image: Path) -> None:
    text = to_cyclonedx([describe(stm32_image), describe(pico_image)])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    read = json.loads(text)
    files = [c["name"] for c in read["components"] if c["type"] == "firmware"]
    assert files == ["nucleo.bin", "pico.uf2"]
    of = {entry["ref"]: entry.get("dependsOn", []) for entry in read["dependencies"]}
    assert any("pico-sdk/2.1.1" in needs for needs in of.values())


@pytest.mark.parametrize(
    ("name", "contents", "options", "message"),
    [
        ("a.bin", b"nothing", (), "must be a firmware of xipnet"),
        ("a.whl", b"nothing", (), "must be a wheel"),
        ("a.bin", b"nothing", ("--model", "b.tflite"), "must be a blob, for a model is named"),
    ],
)
def test_what_is_none_of_these_is_refused(
    tmp_path: Path, name: str, contents: bytes, options: tuple[str, ...], message: str
) -> None:
    file = tmp_path / name
    file.write_bytes(contents)
    done = CliRunner().invoke(main, ["sbom", str(file), *options])
    assert done.exit_code == 1
    assert message in done.output


def test_every_third_party_of_the_page_is_known() -> None:
    page = (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"^\| `(?:lib/|device_fw/vendor/)?([\w.-]+)", page, re.M))
    of_micropython = {"py", "extmod", "shared"}
    assert paths - of_micropython <= set(PARTIES)
    for name in ("littlefs", "libm_dbl", "pico-sdk", "tinyusb", "mbedtls"):
        assert f" {PARTIES[name]['version']} " in page.replace(",", " "), name
    assert f'"ziglang=={ZIG_VERSION}"' in (ROOT / "pyproject.toml").read_text()
