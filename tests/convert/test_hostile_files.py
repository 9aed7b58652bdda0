"""Hostile files and the real converter: none of them runs or reads anything."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from host_sdk import ConvertError, ModelFileError, UnsafeModelError, XipnetError
from host_sdk.inference.model_source import open_model
from tests.convert.conftest import run
from tests.unit.host_sdk.converting import hostile
from tests.unit.host_sdk.converting.keras_files import layer, model, write_keras

pytestmark = [pytest.mark.proof("convert"), pytest.mark.usefixtures("converter")]

# Each writes a file by h5py: its name, and what the error must say.
HDF5 = {
    "link": (
        "its parts must be in the file; found /model_weights",
        "f['model_weights'] = h5py.ExternalLink('/etc/x.h5', '/')",
    ),
    "soft": (
        "its parts must be in the file; found /model_weights",
        "f['model_weights'] = h5py.SoftLink('/elsewhere')",
    ),
    "values": (
        "values must be in the file",
        "f.create_dataset('w', (8,), 'u1', external=[('/etc/hostname', 0, 8)])",
    ),
    "virtual": (
        "values must be in the file",
        "layout = h5py.VirtualLayout((8,), 'u1'); "
        "layout[:] = h5py.VirtualSource('/etc/hostname', 'x', (8,)); "
        "f.create_virtual_dataset('w', layout)",
    ),
    "circle": ("each once", "f.create_group('a')['b'] = f['/']"),
    "huge": ("of values", "f.create_dataset('w', (1 << 45,), 'f4', chunks=(1 << 20,))"),
    "lambda": ("Lambda", "pass"),
}
MAKE = """
import h5py, json
with h5py.File({path!r}, "w") as f:
    layers = [{{"class_name": {kind!r}, "config": {{"name": "x", "units": 2}}}}]
    f.attrs["model_config"] = json.dumps(
        {{"class_name": "Sequential", "config": {{"layers": layers}}}}
    )
    {more}
"""


@pytest.mark.parametrize("name", hostile.FILES)
def test_nothing_runs(name: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with pytest.raises(ModelFileError):
        open_model(hostile.FILES[name](tmp_path, marker))
    assert not marker.exists()


@pytest.mark.parametrize("name", HDF5)
def test_hdf5_leads_nowhere(name: str, tensorflow: Path, tmp_path: Path) -> None:
    rule, more = HDF5[name]
    path = tmp_path / f"{name}.h5"
    kind = "Lambda" if name == "lambda" else "Dense"
    run(tensorflow, "-c", MAKE.format(path=str(path), kind=kind, more=more))
    with pytest.raises(ModelFileError) as caught:
        open_model(path)
    told = str(caught.value)
    assert isinstance(caught.value, UnsafeModelError) is (name not in ("circle", "huge")), told
    assert path.name in told
    assert rule in told


def test_a_layer_that_wants_all_memory(tensorflow: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.h5"
    run(tensorflow, "-c", f"import h5py; h5py.File({str(empty)!r}, 'w').close()")
    greedy = model(layer("Dense", units=3 << 28))  # 12 GB of weights, announced in 60 bytes
    path = write_keras(tmp_path / "greedy.keras", greedy, empty.read_bytes())
    with pytest.raises(ConvertError, match=r"(?i)OOM|out of memory|exhausted|alloc"):
        open_model(path)


def test_lambdas_that_keras_wrote(models: Path) -> None:
    for file in ("lambda_model.keras", "lambda_model.h5"):
        with pytest.raises(UnsafeModelError, match=r"'plus_one': every class .* found Lambda"):
            open_model(models / file)


def test_trust_takes_them(models: Path) -> None:
    assert open_model(models / "lambda_model.keras", trust=True).is_tflite


@pytest.mark.parametrize("name", ["pickled_weight", "expression"])
@pytest.mark.usefixtures("private", "torch_models")
def test_hostile_programs_are_some(name: str, tmp_path: Path) -> None:
    """What is refused of PyTorch's does run its code if it is trusted."""
    marker = tmp_path / "marker"
    path = hostile.FILES[name](tmp_path, marker)
    with pytest.raises(UnsafeModelError):
        open_model(path)
    assert not marker.exists()
    with contextlib.suppress(XipnetError):
        open_model(path, trust=True)
    assert marker.exists()


def test_the_hostile_file_is_one(tmp_path: Path) -> None:
    """What is refused does run its code if it is trusted."""
    marker = tmp_path / "marker"
    path = hostile.lambda_layer(tmp_path, marker)
    with pytest.raises(XipnetError):  # its weights are none
        open_model(path, trust=True)
    assert marker.exists()
