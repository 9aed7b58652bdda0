"""Compile what a CPU lacks, such as 64-bit division, once for several boards.

A step of the build, run by ninja: `python -m device_fw.build.runtime KEPT OBJECT -- COMMAND...`
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

__all__ = ["compile_once"]


def compile_once(kept: Path, command: list[str]) -> None:
    """Compile to a file that other builds keep, too, unless it is there.

    Args:
        kept: the object; its name tells the compiler and its flags.
        command: compiles it, with the argument `-femit-bin=PATH` behind.

    Raises:
        subprocess.CalledProcessError: the compiler failed; what it said is on standard error.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            part = kept.with_suffix(".part")
            subprocess.run([*command, f"-femit-bin={part}"], check=True)
            os.replace(part, kept)


def main() -> None:
    """Compile, and copy to where the board's other objects are."""
    kept, output, _, *command = sys.argv[1:]
    try:
        compile_once(Path(kept), command)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    Path(output).write_bytes(Path(kept).read_bytes())


if __name__ == "__main__":
    main()
