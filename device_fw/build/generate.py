"""Make the headers that MicroPython generates from its sources.

They hold names, modules and root pointers.

A step of the build, run by ninja:
`python -m device_fw.build.generate MICROPYTHON GENHDR LIST -- PREPROCESS...`
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_Q_LINE = re.compile(r"^Q\(.*\)", re.M)


def generate_headers(
    genhdr: Path, micropython: Path, preprocessed: Sequence[Path], preprocess: Sequence[str]
) -> None:
    """Write `genhdr/*.h`, leaving headers alone whose text stays the same.

    Args:
        genhdr: where the headers go.
        micropython: MicroPython's source.
        preprocessed: all sources after the preprocessor, with `NO_QSTR` defined.
        preprocess: command that preprocesses the file named after it to standard output.
    """
    work = genhdr / "work"
    work.mkdir(parents=True, exist_ok=True)
    everything = work / "all.i"
    with everything.open("w", encoding="utf-8") as file:
        for path in preprocessed:
            file.writelines(_searched_lines(path))
    py = micropython / "py"
    collected = {
        mode: _collect(py, mode, everything, work) for mode in ("qstr", "module", "root_pointer")
    }
    texts = {
        "qstrdefs.generated.h": _qstr_header(py, work, collected["qstr"], preprocess),
        "moduledefs.h": _tool(py / "makemoduledefs.py", collected["module"]),
        "root_pointers.h": _tool(py / "make_root_pointers.py", collected["root_pointer"]),
    }
    for name, text in texts.items():
        write_changed(genhdr / name, text)


def write_version_header(genhdr: Path, tag: str, date: str) -> None:
    """Write `mpversion.h`: what the prompt's banner and `sys.version` say."""
    genhdr.mkdir(parents=True, exist_ok=True)
    lines = [
        f'#define MICROPY_GIT_TAG "{tag}"',
        '#define MICROPY_GIT_HASH ""',
        f'#define MICROPY_BUILD_DATE "{date}"',
    ]
    write_changed(genhdr / "mpversion.h", "\n".join(lines) + "\n")


def write_changed(path: Path, text: str) -> None:
    """Write a file unless it has this text: what is made from it stays fresh."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _searched_lines(preprocessed: Path) -> Iterator[str]:
    """Yield the lines that matter to makeqstrdefs.py, which reads all of them thrice."""
    for line in preprocessed.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("#") or "MP_QSTR_" in line or "MP_REGISTER_" in line:
            yield line


def _tool(script: Path, *arguments: Path | str) -> str:
    return _run([sys.executable, str(script), *map(str, arguments)])


def _collect(py: Path, mode: str, everything: Path, work: Path) -> Path:
    """Run makeqstrdefs.py: split by source file, then join without duplicates."""
    parts, out = work / mode, work / f"{mode}.collected"
    script = py / "makeqstrdefs.py"
    _tool(script, "split", mode, everything, parts, "_")
    _tool(script, "cat", mode, "_", parts, out)
    return out


def _qstr_header(py: Path, work: Path, collected: Path, preprocess: Sequence[str]) -> str:
    # The lists hold conditions on the configuration, and Q(...) lines that the preprocessor must
    # not touch: they pass it as string literals.
    files = [py / "qstrdefs.h", collected]
    lists = [path.read_text(encoding="utf-8") for path in files]
    quoted = work / "qstrdefs.c"
    quoted.write_text(_Q_LINE.sub(r'"\g<0>"', "\n".join(lists)), encoding="utf-8")
    text = _run([*preprocess, str(quoted)])
    plain = work / "qstrdefs.preprocessed.h"
    plain.write_text(re.sub(r'^"(Q\(.*\))"', r"\1", text, flags=re.M), encoding="utf-8")
    return _tool(py / "makeqstrdata.py", plain)


def _run(command: Sequence[str]) -> str:
    """Run a tool and return its standard output; its errors go to this script's.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main(arguments: Sequence[str]) -> None:
    """Make the headers as the command line says."""
    micropython, genhdr, names, _, *preprocess = arguments
    text = Path(names).read_text(encoding="utf-8")
    preprocessed = [Path(word) for word in shlex.split(text, posix=sys.platform != "win32")]
    try:
        generate_headers(Path(genhdr), Path(micropython), preprocessed, preprocess)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{shlex.join(error.cmd)}: exit status {error.returncode}")


if __name__ == "__main__":
    main(sys.argv[1:])
