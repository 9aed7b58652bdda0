"""Look at what `import host_sdk` and `xipnet --help` load, and at lazy names."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import host_sdk
import relocatable
from host_sdk.cli import main

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "PIL", "rich", "serial"}


def loaded(program: str) -> set[str]:
    """Name the heavy packages that a program has loaded at its end."""
    report = f"import sys; print(*{HEAVY} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "program",
    [
        "import host_sdk",
        "import relocatable",
        "from host_sdk import DeviceError, XipnetError",
        "from host_sdk.cli import main; main(['--help'], standalone_mode=False)",
        "from host_sdk.cli import main; main(['ls', '--help'], standalone_mode=False)",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(program: str) -> None:
    assert loaded(program) == set()


def test_a_device_loads_numpy_but_shows_nothing() -> None:
    assert "numpy" in loaded("from host_sdk import Device")
    assert "rich" not in loaded("from host_sdk import Device")


@pytest.mark.parametrize("package", [host_sdk, relocatable])
def test_lazy_names_are_those_that_type_checkers_see(package: ModuleType) -> None:
    seen = dict(_type_checking_imports(Path(str(package.__file__))))
    assert seen == package._MODULE_OF
    eager = {n for n in package.__all__ if n not in seen}
    assert all(f"{package.__name__}.errors" == getattr(package, n).__module__ for n in eager)
    assert set(seen) <= set(package.__all__) == set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_the_version_is_that_of_pyproject(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert host_sdk.__version__ == project["version"]
    main(["--version"], standalone_mode=False)
    assert capsys.readouterr().out.split()[-1] == project["version"]


def _type_checking_imports(path: Path) -> list[tuple[str, str]]:
    (block,) = (n for n in ast.parse(path.read_text()).body if isinstance(n, ast.If))
    imports = [n for n in block.body if isinstance(n, ast.ImportFrom)]
    return [(alias.name, str(n.module)) for n in imports for alias in n.names]
