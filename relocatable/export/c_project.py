"""Write a blob as C sources that any compiler for its CPU can link.

    files = c_project("digits", blob)      # path in the project -> text
    write_c_project(files, Path("out"))

The blob is an array of constants: code and weights run where they lie, as on a board. What reads it
is xn_model.c, the same for every model.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from relocatable.blob.blob import Blob, Golden, Variant, golden_inputs
from relocatable.blob.host import HostModel
from relocatable.blob.metadata import check_metadata
from relocatable.errors import BlobError
from relocatable.targets import FAMILIES, FEATURES

_HERE = Path(__file__).parent
_COPIED = (_HERE.parent / "blob/include/xn_blob.h", _HERE / "xn_model.h", _HERE / "xn_model.c")
EXAMPLE = "main.c"  # the user's own once it is there
# What a model's files may not be called: the project's others, and headers of C, which they would
# hide from the program.
_TAKEN = re.compile(
    "|".join(["main", *(path.stem for path in _COPIED)])
    + "|assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal"
    "|std(align|arg|atomic|bool|def|int|io|lib|noreturn)|string|tgmath|threads|time|uchar|wc(har|type)"
)


def c_name(name: str) -> str:
    """Make a name of C of a model's name: "my model-2" becomes "my_model_2"."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII).lower()
    is_free = re.match("[a-z]", plain) and not _TAKEN.fullmatch(plain)
    return plain if is_free else f"model_{plain}"


def c_project(name: str, data: bytes, on_host: bytes | None = None) -> dict[str, str]:
    """Write the sources.

    Args:
        name: of the model; see `c_name`.
        data: a blob with one variant, for a microcontroller.
        on_host: the same model for this computer, if `needs_host`: the blob has only a hash of the
            outputs that its golden vector must give.

    Returns:
        Name of a file -> its text.

    Raises:
        BlobError: the blob is damaged, has several variants or no golden vector, or is one for
            this computer; or a model for this computer is needed.
    """
    blob = Blob.unpack(data)
    if len(blob.variants) != 1:
        raise BlobError(f"blob to export must have one variant; has {len(blob.variants)}")
    metadata = check_metadata(blob)
    [variant] = blob.variants
    family = FAMILIES.get(variant.family)
    if family is None or family.machines:
        seen = variant.family if family is None else family.name
        raise BlobError(f"blob to export must be for a microcontroller; is for {seen}")
    # Tools read the details, boards the metadata; a program has the header of C.
    image = replace(blob, metadata={"name": metadata["name"]}).pack()
    if blob.golden is None:
        raise BlobError("blob to export must have a golden vector; has none")
    golden = _golden_crc32(blob, blob.golden, metadata, on_host)
    fill = {"name": c_name(name), "NAME": c_name(name).upper()}
    own = {
        f"{fill['name']}.h": _header(fill, blob, metadata, golden),
        f"{fill['name']}.c": _source(fill, variant, _comment(metadata["targets"][0]), image),
        "Makefile": _MAKEFILE.format(**fill),
        "CMakeLists.txt": _CMAKE.format(**fill),
        EXAMPLE: _example(fill),
    }
    return {**{path.name: path.read_text(encoding="utf-8") for path in _COPIED}, **own}


def needs_host(data: bytes) -> bool:
    """Say whether `c_project` needs the model for this computer, too.

    Raises:
        BlobError: the blob is damaged.
    """
    golden = Blob.unpack(data).golden
    return golden is not None and golden.hashed


def write_c_project(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write the files into a folder; an example that is there stays.

    Args:
        files: of `c_project`.
        folder: is made.

    Returns:
        The paths that were written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in files.items():
        path = folder / name
        if name != EXAMPLE or not path.exists():
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


# ---- The golden vector ---------------------------------------------------------------------------


def _golden_crc32(
    blob: Blob, golden: Golden, metadata: Mapping[str, Any], on_host: bytes | None
) -> int:
    if not golden.hashed:
        return zlib.crc32(golden.outputs)
    if on_host is None:
        raise BlobError(
            "golden vector must hold its outputs; has their hash: export the model's .tflite"
        )
    crc = 0
    with HostModel(on_host) as model:
        for inputs in _inputs_of_runs(blob, golden, metadata):
            model.write_inputs(inputs)
            model.run()
            crc = zlib.crc32(b"".join(output.tobytes() for output in model.outputs()), crc)
    return crc


def _inputs_of_runs(
    blob: Blob, golden: Golden, metadata: Mapping[str, Any]
) -> Iterator[list[npt.NDArray[Any]]]:
    size = sum(io.size_bytes for io in blob.inputs)
    left = golden.inputs or golden_inputs(golden.seed, size * golden.runs, golden.floats)
    for _ in range(golden.runs):
        inputs = []
        for io, port in zip(blob.inputs, metadata["inputs"], strict=True):
            part, left = left[: io.size_bytes], left[io.size_bytes :]
            inputs.append(np.frombuffer(part, port["dtype"]).reshape(port["shape"]))
        yield inputs


# ---- Texts ---------------------------------------------------------------------------------------

_MAKEFILE = """\
# Compiles the model, and an example that tests it, with the compiler and the flags of your project:
#     make CC=arm-none-eabi-gcc CFLAGS="-mcpu=... -O2" LDFLAGS=...
OBJECTS = {name}.o xn_model.o

example.elf: main.o lib{name}.a
\t$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

lib{name}.a: $(OBJECTS)
\t$(AR) rcs $@ $^

$(OBJECTS) main.o: {name}.h xn_model.h xn_blob.h

clean:
\trm -f *.o lib{name}.a example.elf

.PHONY: clean
"""

_CMAKE = """\
# In your project: add_subdirectory(this folder), target_link_libraries(your_program {name})
cmake_minimum_required(VERSION 3.13)
project({name} C)
add_library({name} STATIC {name}.c xn_model.c)
target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
"""


def _example(fill: Mapping[str, str]) -> str:
    text = (_HERE / EXAMPLE).read_text(encoding="utf-8")
    return text.replace("exported", fill["name"]).replace("EXPORTED", fill["NAME"])


def _header(fill: Mapping[str, str], blob: Blob, metadata: Mapping[str, Any], golden: int) -> str:
    name, prefix = fill["name"], fill["NAME"]
    [variant] = blob.variants
    lines = [
        f"// {_comment(metadata['name'])}: written by xipnet export.",
        *(f"#ifndef {prefix}_H", f"#define {prefix}_H", "", '#include "xn_model.h"', ""),
        f"#define {prefix}_ARENA_BYTES {variant.arena_bytes}u // RAM, at a multiple of 16",
        f"#define {prefix}_STACK_BYTES {variant.stack_bytes}u // that the model's code may use",
    ]
    for kind, ios in (("INPUT", blob.inputs), ("OUTPUT", blob.outputs)):
        lines.append("")
        for i, (io, port) in enumerate(zip(ios, metadata[f"{kind.lower()}s"], strict=True)):
            lines.append(f"// {_comment(_described(port))}")
            lines.append(f"#define {prefix}_{kind}_{i}_BYTES {io.size_bytes}u")
    if len(blob.entries) > 1:
        lines += ["", f"#define {prefix}_HEAD 1u // entry of xn_model_run() and xn_model_result()"]
    lines += ["", f"#define {prefix}_GOLDEN_CRC32 {golden:#010x}u // for xn_model_test()"]
    lines += ["", f"extern const uint8_t {name}_blob[];", "", "#endif", ""]
    return "\n".join(lines)


def _described(port: Mapping[str, Any]) -> str:
    text = f"{port['name']}: {port['dtype']} {port['shape']}"
    if port["scale"] is not None:
        text += f", real = {port['scale']:.9g} * (value - {port['zero_point']})"
    return text


def _comment(text: str) -> str:
    """Leave of a name what cannot end a comment, or go on in the next line."""
    return re.sub(r"[^\x20-\x7e]|\\", "?", text)


def _source(fill: Mapping[str, str], variant: Variant, target: str, image: bytes) -> str:
    family = FAMILIES[variant.family]
    features = [f for f in FEATURES if f.family == variant.family and variant.features & f.bit]
    needs = [family.condition.format(level=variant.level), *(f.condition for f in features)]
    rows = np.frombuffer(image, np.uint8)
    body = "\n".join(
        "    " + " ".join(f"{byte}," for byte in rows[at : at + 24].tolist())
        for at in range(0, rows.size, 24)
    )
    condition = " && ".join(f"({need})" for need in needs)
    return f"""\
#include "{fill["name"]}.h"

#if !({condition})
#error "{fill["name"]} was compiled for {target}: the compiler's flags name another CPU"
#endif

// Code and weights. Where constants may not be executed, name a section that may.
#ifdef XN_MODEL_SECTION
__attribute__((section(XN_MODEL_SECTION)))
#endif
__attribute__((aligned(64))) const uint8_t {fill["name"]}_blob[{len(image)}] = {{
{body}
}};
"""
