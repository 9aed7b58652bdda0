"""A pipeline.toml: what it says; refusals name file, table, key and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_sdk.bundle.pipeline import PipelineModel, read_pipeline
from host_sdk.errors import BundleFileError

MODELS = '[models.detector]\nmodel = "net.bin"\n'


def write(folder: Path, text: str) -> Path:
    """Write the file, and those that it may name."""
    for name in ("net.bin", "main.py", "other.mpy", "lib.py", "labels.txt", "head.toml"):
        (folder / name).write_bytes(b"1")
    (folder / "ops").mkdir()
    path = folder / "pipeline.toml"
    path.write_text(text)
    return path


def test_all_that_can_be_said(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        name = "faces"
        script = "main.py"
        modules = ["lib.py"]
        [models.landmarks]
        model = "net.bin"
        head = "head.toml"
        optimize = "ram"
        max_ram = 4096
        ops = "ops"
        [models.detector]
        model = "net.bin"
        head = "auto"
        [data]
        labels = "labels.txt"
        """,
    )
    read = read_pipeline(path)
    net, head = tmp_path / "net.bin", str(tmp_path / "head.toml")
    assert read.name == "faces"
    assert read.models == (  # in the order of the file: the first one serves
        PipelineModel("landmarks", net, head, "ram", 4096, str(tmp_path / "ops")),
        PipelineModel("detector", net, "auto"),
    )
    assert read.files == {
        "main.py": tmp_path / "main.py",
        "lib.py": tmp_path / "lib.py",
        "labels": tmp_path / "labels.txt",
    }


def test_what_may_be_left_out(tmp_path: Path) -> None:
    read = read_pipeline(write(tmp_path, MODELS))
    assert (read.name, len(read.models), read.files) == ("pipeline", 1, {})


def test_a_script_is_called_main_whatever_its_file_is_called(tmp_path: Path) -> None:
    read = read_pipeline(write(tmp_path, 'script = "other.mpy"\n' + MODELS))
    assert read.files == {"main.mpy": tmp_path / "other.mpy"}


def test_a_path_from_the_root_may_lead_anywhere(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    outer = tmp_path / "outer.bin"
    outer.write_bytes(b"1")
    path = write(inner, f'[models.m]\nmodel = "{outer.as_posix()}"\n')
    assert read_pipeline(path).models[0].path == outer


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("name = 1\n" + MODELS, r"name must be a string; is 1"),
        ('name = "a/b"\n' + MODELS, r"name must be 1 to 39 .*; is 'a/b'"),
        ("naam = 1\n" + MODELS, r"naam must be one of name, script"),
        ("x = = 1\n", r"must be TOML; .*line 1, column 5"),
        ('name = "faces"\n', r"models must be at least one table \[models.NAME\]"),
        ("models = 3\n", r"models must be a table; is 3"),
        ("[models]\ndetector = 3\n", r"models.detector must be a table; is 3"),
        ("[models.a]\n", r"\[models.a\] model must be a string; is None"),
        ('[models."a/b"]\nmodel = "net.bin"\n', r"\[models.a/b\] must be named by 1 to 39"),
        ('[models.a]\nmodel = "no.bin"\n', r"\[models.a\] model must be a file that is there"),
        ('[models.a]\nmodel = "../net.bin"\n', r"model must be a path within the file's folder"),
        (MODELS + 'hed = "x"\n', r"\[models.detector\] hed must be one of model, head"),
        (MODELS + 'optimize = "fast"\n', r"optimize must be one of speed, size, ram; is 'fast'"),
        (MODELS + "max_ram = 0\n", r"max_ram must be at least 1 byte; is 0"),
        (MODELS + "max_ram = true\n", r"max_ram must be a whole number of bytes; is True"),
        (MODELS + 'ops = "net.bin"\n', r"ops must be a folder that is there"),
        ('script = "labels.txt"\n' + MODELS, r"script must be a file that ends with .py or .mpy"),
        ("modules = 1\n" + MODELS, r"modules must be a list of strings; is 1"),
        ('modules = ["main.py"]\n' + MODELS, r"modules must be files of other names"),
        ('modules = ["net.bin"]\n' + MODELS, r"modules must be files that end with"),
        (MODELS + "[data]\nlabels = 1\n", r"\[data\] labels must be a string; is 1"),
        (MODELS + '[data]\ndetector = "labels.txt"\n', r"data must be a name of its own.*detector"),
        (MODELS + '[data]\n"a/b" = "labels.txt"\n', r"data must be a name of its own.*a/b"),
    ],
)
def test_refusals_say_where_and_why(tmp_path: Path, text: str, refusal: str) -> None:
    with pytest.raises(BundleFileError, match=r"pipeline.toml.*" + refusal):
        read_pipeline(write(tmp_path, text))


def test_a_link_that_leads_out_of_the_folder(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    path = write(inner, '[models.m]\nmodel = "link.bin"\n')
    (tmp_path / "net.bin").write_bytes(b"1")
    (inner / "link.bin").symlink_to(tmp_path / "net.bin")
    with pytest.raises(BundleFileError, match="within the file's folder"):
        read_pipeline(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BundleFileError, match=r"none.toml cannot be read: No such file"):
        read_pipeline(tmp_path / "none.toml")
