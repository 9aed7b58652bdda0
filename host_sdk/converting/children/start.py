"""Start a program of this folder in an environment without our package.

python -I start.py PROGRAM ARGUMENT...

The folder is made importable under a name of its own: nothing else of ours, and nothing beside
our package, comes before what the environment holds.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_NAME = "xipnet_children"


def main() -> None:
    """Run the program that the first argument names."""
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = package
    spec.loader.exec_module(package)
    importlib.import_module(f"{_NAME}.{sys.argv.pop(1)}").main()


if __name__ == "__main__":
    main()
