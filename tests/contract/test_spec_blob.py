"""SPEC-blob.md, xn_blob.h and blob.py say the same, down to every offset."""

from __future__ import annotations

import re
import struct

import pytest

from relocatable.blob import blob
from relocatable.targets import FAMILIES, FEATURES, Family
from tests.conftest import ROOT

C_SIZES = {"uint32_t": 4, "int32_t": 4, "uint16_t": 2, "uint8_t": 1, "float": 4}
HEADER_TEXT = (ROOT / "relocatable/blob/include/xn_blob.h").read_text()
SPEC_TEXT = (ROOT / "docs/SPEC-blob.md").read_text()


def c_fields(name: str) -> list[tuple[int, int, str]]:
    """List (offset, size, name) of a struct's fields, which are naturally aligned."""
    match = re.search(rf"typedef struct {name} {{(.*?)}} {name};", HEADER_TEXT, re.S)
    assert match, name
    fields, at = [], 0
    text = re.sub(r"//[^\n]*", "", match.group(1))
    for ctype, names in re.findall(r"(\w+) ([^;]+);", text):
        for part in names.split(","):
            named = re.match(r"\s*(\w+)(?:\[(\d+)\])?", part)
            assert named, part
            field, count = named.groups()
            size = C_SIZES[ctype] * int(count or 1)
            assert at % C_SIZES[ctype] == 0, f"{name}.{field} would be padded"
            fields.append((at, size, field))
            at += size
    return fields


def spec_fields(heading: str) -> list[tuple[int, int, str]]:
    """(offset, size, name) of the table under a heading of the SPEC."""
    section = SPEC_TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \|", section, re.M)
    return [(int(a), int(b), c) for a, b, c in rows]


@pytest.mark.parametrize(
    ("heading", "c_name", "layout"),
    [
        ("2. Header", "xn_blob_header", blob.HEADER),
        ("3. Variant", "xn_blob_variant", blob.VARIANT),
        ("4. Input, output", "xn_blob_io", blob.IO),
        ("5. Entry", "xn_blob_entry", blob.ENTRY),
        ("8. Golden vector", "xn_blob_golden", blob.GOLDEN),
        ("10. Objects", "xn_blob_object", blob.OBJECT),
    ],
)
def test_layouts_agree(heading: str, c_name: str, layout: struct.Struct) -> None:
    c, spec = c_fields(c_name), spec_fields(heading)
    assert spec == c
    assert layout.size == c[-1][0] + c[-1][1]
    # Python's struct: each code's offset and size, in order, must be the C fields'.
    sizes = [
        struct.calcsize("<" + code) for code in re.findall(r"\d*[sx]|[BHI]", layout.format[1:])
    ]
    assert sizes == [size for _, size, _ in c]


def constant(name: str) -> int:
    """Read a macro or an enumerator of the header."""
    match = re.search(rf"\b{name}[ =]+(0x[0-9A-Fa-f]+|\d+)(?: << (\d+))?", HEADER_TEXT)
    assert match, name
    return int(match[1], 0) << int(match[2] or 0)


def test_constants_agree() -> None:
    assert constant("XN_BLOB_MAGIC") == blob.MAGIC
    assert (constant("XN_BLOB_MAJOR"), constant("XN_BLOB_MINOR")) == blob.FORMAT
    assert constant("XN_SECTION_ALIGN") == blob.SECTION_ALIGN
    assert constant("XN_ARENA_ALIGN") == blob.ARENA_ALIGN
    assert constant("XN_RESULT_CLASSES") == blob.RESULT_CLASSES
    assert constant("XN_RESULT_DESCRIBED") == blob.RESULT_DESCRIBED
    assert constant("XN_GOLDEN_XORSHIFT") == blob.GOLDEN_XORSHIFT
    assert constant("XN_GOLDEN_FLOATS") == blob.GOLDEN_FLOATS
    assert constant("XN_GOLDEN_SHA256") == blob.GOLDEN_SHA256


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: str(family.name))
def test_families_agree(family: Family) -> None:
    in_c = family.name.upper().replace("-", "_")
    assert constant(f"XN_FAMILY_{in_c}") == family.number
    features = [f for f in FEATURES if f.family == family.number]
    for feature in features:
        assert constant(f"XN_FEATURE_{feature.name}") == feature.bit
    row = re.search(rf"^\| {family.number} \| (.*?) \| (\d+) \| .* \| (.*) \|$", SPEC_TEXT, re.M)
    assert row, f"SPEC-blob.md has no row for family {family.number}"
    assert (row[1], int(row[2])) == (family.name, family.step_align)
    bits = {name: int(bit) for bit, name in re.findall(r"(\d+) (\w+)", row[3])}
    assert bits == {feature.name: feature.bit for feature in features}


def test_results_agree() -> None:
    for name, dtype in (("xn_detection", blob.DETECTION_DTYPE), ("xn_class", blob.CLASS_DTYPE)):
        assert dtype.names
        assert dtype.fields
        assert [n for _, _, n in c_fields(name)] == list(dtype.names)
        assert [a for a, _, _ in c_fields(name)] == [dtype.fields[n][1] for n in dtype.names]
