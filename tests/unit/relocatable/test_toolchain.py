"""Code that must be refused is, with the symbol's name; what is built is bounded."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from relocatable.codegen import toolchain
from relocatable.codegen.toolchain import build_code
from relocatable.errors import ToolchainError
from relocatable.targets import TARGETS, find_target
from relocatable.targets.thumb_scan import scan

HEAD = '#include "blob/include/xn_blob.h"\n'
STEP = "int32_t xn_step_0(const xn_ctx *ctx);\nint32_t xn_step_0(const xn_ctx *ctx)"
ARM = TARGETS["cortex-m55"]


def build(text: str, target: str = "cortex-m55", count: int = 1) -> toolchain.Code:
    return build_code(HEAD + text, TARGETS[target], count, "speed")


@pytest.mark.parametrize("target", ["cortex-m55", "rv32imac", "host"])
def test_writable_data_is_named(target: str) -> None:
    text = f"static int32_t counter = 7;\n{STEP} {{ (void)ctx; return counter++; }}"
    with pytest.raises(ToolchainError, match=r"no writable data; section \.data .*counter"):
        build(text, target)
    text = f"static int32_t zeros[9];\n{STEP} {{ return zeros[ctx->arena[0]]++; }}"
    with pytest.raises(ToolchainError, match=r"no writable data; section \.bss .*zeros"):
        build(text, target)


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m55", "rv32imac"])
def test_addresses_in_constants_are_refused(target: str) -> None:
    text = f"""
    static const char *const names[] = {{"a", "b", "c"}};
    {STEP} {{ return names[ctx->arena[0]][ctx->arena[1]]; }}"""
    with pytest.raises(ToolchainError, match=r"must hold no address|must own no writable data"):
        build(text, target)


def test_undefined_symbols_are_named() -> None:
    text = f"int32_t elsewhere(int32_t);\n{STEP} {{ return elsewhere(ctx->arena[0]); }}"
    with pytest.raises(ToolchainError, match=r"undefined symbol: elsewhere") as caught:
        build(text)
    assert caught.value.command[1] == "ld.lld"


def test_c_errors_carry_what_the_compiler_says() -> None:
    with pytest.raises(ToolchainError, match=r"clang failed: .*error") as caught:
        build(f"{STEP} {{ return nonsense; }}")
    assert "nonsense" in caught.value.stderr


@pytest.mark.parametrize("target", ["cortex-m55", "rv32imac", "host"])
def test_recursion_is_refused(target: str) -> None:
    text = f"""
    static __attribute__((noinline)) int32_t f(volatile uint8_t *a, int32_t n);
    static __attribute__((noinline)) int32_t g(volatile uint8_t *a, int32_t n) {{
        return n ? f(a, n - 1) + a[n] : 0;
    }}
    static int32_t f(volatile uint8_t *a, int32_t n) {{ return n ? g(a, n - 2) - a[n] : 1; }}
    {STEP} {{ return f(ctx->arena, ctx->arena[0]); }}"""
    with pytest.raises(ToolchainError, match="must not recurse"):
        build(text, target)


@pytest.mark.parametrize("target", ["cortex-m55", "rv32imac", "host"])
def test_stack_is_the_deepest_chain_of_calls(target: str) -> None:
    text = f"""
    static __attribute__((noinline)) int32_t deep(volatile uint8_t *a) {{
        volatile uint8_t room[1000];
        for (int32_t i = 0; i < 1000; i++) room[i] = a[i];
        return room[a[0]];
    }}
    {STEP} {{
        volatile uint8_t room[500];
        for (int32_t i = 0; i < 500; i++) room[i] = ctx->arena[i];
        return deep(ctx->arena) + room[3];
    }}
    int32_t xn_step_1(const xn_ctx *ctx);
    int32_t xn_step_1(const xn_ctx *ctx) {{ return ctx->arena[1]; }}"""
    code = build(text, target, count=2)
    assert 1500 <= code.stack_bytes <= 1600
    assert len(code.step_offsets) == 2
    assert all(
        0 <= offset < len(code.code) and offset % TARGETS[target].family.step_align == 0
        for offset in code.step_offsets
    )
    assert len(code.code) % 4 == 0


@pytest.mark.parametrize("target", ["cortex-m0plus", "rv32imac", "host"])
def test_the_compiler_s_own_calls_are_linked(target: str) -> None:
    text = f"""{STEP} {{
        int64_t *a = (int64_t *)ctx->arena;
        a[0] = a[1] / a[2];
        __builtin_memcpy(a + 8, a + 200, ctx->weights[0]);
        return 0;
    }}"""
    assert build(text, target).stack_bytes > 0


def test_the_same_text_gives_the_same_code() -> None:
    text = f"{STEP} {{ return ctx->arena[1] * 3; }}"
    assert build(text) == build(text)


def test_a_missing_compiler_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolchainError, match=r"pip install 'xipnet\[compile\]'"):
        build(f"{STEP} {{ return 0; }}")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither variable")
def test_the_cache_is_where_the_system_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert toolchain.cache_folder() == tmp_path / "xipnet"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in toolchain.cache_folder().parents


def test_distances_to_other_sections_are_refused() -> None:
    text = f"""
    __asm__(".section .text.far, \\"ax\\"\\n.globl far\\nfar: .word far - near");
    __asm__(".section .text.near, \\"ax\\"\\n.globl near\\nnear: .word 0\\n.text");
    extern __attribute__((visibility("hidden"))) const int32_t far;
    {STEP} {{ return far + ctx->arena[0]; }}"""
    with pytest.raises(ToolchainError, match=r"must hold no address; relocation of type 3[59]"):
        build(text, "rv32imac")


def test_unknown_targets_list_the_known() -> None:
    with pytest.raises(ValueError, match=r"cortex-m0plus, cortex-m3.*is 'z80'"):
        find_target("z80")


# Each would read, write or call what is not in the blob, or at an address that is not its own.
OUTSIDE = {
    "data in a section of its own": (
        f'static __attribute__((section("mine"))) const int32_t own[4] = {{5, 6, 7, 8}};\n'
        f"{STEP} {{ return own[ctx->arena[0]]; }}",
        r"no section but \.text; section mine has 16 bytes: own",
    ),
    "a constructor": (
        f"static __attribute__((constructor)) void start(void) {{ *(volatile int *)16 = 1; }}\n"
        f"{STEP} {{ return !ctx; }}",
        r"no section but \.text; section \.init_array",
    ),
    "a weak function that nobody defines": (
        f"int32_t maybe(void) __attribute__((weak));\n{STEP} {{ return maybe ? maybe() : !ctx; }}",
        r"function xn_step_0 refers to maybe|no address table",
    ),
    "weak data that nobody defines": (
        f"extern const int32_t maybe[] __attribute__((weak));\n"
        f"{STEP} {{ return maybe[ctx->arena[0]]; }}",
        r"function xn_step_0 refers to maybe|no address table",
    ),
    "constants aligned to more than a blob is": (
        f"static const int32_t t[64] __attribute__((aligned(256))) = {{1, 2, 3}};\n"
        f"{STEP} {{ return t[ctx->arena[0] & 63]; }}",
        r"aligned to at most 64; \.text is to 256",
    ),
    "a table of functions": (
        "static int32_t a(int32_t x) { return x + 1; }\n"
        "static int32_t b(int32_t x) { return x * 3; }\n"
        "static int32_t (*const table[])(int32_t) = {a, b};\n"
        f"{STEP} {{ return table[ctx->arena[0] & 1](ctx->arena[1]); }}",
        r"must hold no address|must own no writable data",
    ),
    "a variable of the thread": (
        f"static _Thread_local int32_t own = 4;\n{STEP} {{ return own += ctx->arena[0]; }}",
        r"undefined symbol: __aeabi_read_tp|no writable data",
    ),
    "an array as long as the input says": (
        f"{STEP} {{ volatile uint8_t a[ctx->arena[0] + 1]; a[0] = 1; return a[0]; }}",
        r"variable length array",
    ),
}


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "rv32imac", "host"])
@pytest.mark.parametrize("what", OUTSIDE)
def test_what_leads_out_of_the_blob_is_refused(what: str, target: str) -> None:
    text, message = OUTSIDE[what]
    with pytest.raises(ToolchainError, match=message):
        build(text, target)


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "rv32imac"])
def test_writable_data_among_the_constants_is_refused(target: str) -> None:
    text = f"""
    static __attribute__((section(".rodata.x,\\"aw\\",%progbits//"))) int32_t counter = 5;
    {STEP} {{ return counter += ctx->arena[0]; }}"""
    with pytest.raises(ToolchainError, match=r"section \.text is writable"):
        build(text, target)


CALL_BY_ADDRESS = f"""
    static __attribute__((noinline)) int32_t deep(volatile uint8_t *a) {{
        volatile uint8_t room[1000];
        for (int32_t i = 0; i < 1000; i++) room[i] = a[i];
        return room[a[0]];
    }}
    {STEP} {{
        int32_t (*volatile f)(volatile uint8_t *) = deep;
        return f(ctx->arena);
    }}"""


def test_a_function_called_by_its_address_counts_for_the_stack() -> None:
    assert build(CALL_BY_ADDRESS, "rv32imac").stack_bytes >= 1000


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_a_call_by_address_is_refused_as_a_board_refuses_it(target: str) -> None:
    with pytest.raises(ToolchainError, match="a board would refuse the code: instruction 0x000047"):
        build(CALL_BY_ADDRESS, target)


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m55", "rv32imac"])
def test_texts_and_switches_are_reached_from_where_the_code_is(target: str) -> None:
    text = f"""{STEP} {{
        const char *s = "other";
        switch (ctx->arena[0]) {{
            case 0: s = "zero"; break;
            case 1: s = "one"; break;
            case 2: s = "two"; break;
            case 3: s = "three"; break;
            case 4: s = "four"; break;
        }}
        return s[ctx->arena[1]];
    }}"""
    assert b"three" in build(text, target).code


def far_constants(count: int) -> str:
    """Write a function so long that a constant may lie before what reads it."""
    lines = "\n".join(f"  x += y * {1 + i * 0.37}f; y = x * x - y;" for i in range(count))
    return (
        f"{HEAD}int32_t xn_step_0(const xn_ctx *c);\n"
        "int32_t xn_step_0(const xn_ctx *c) {\n"
        "  volatile float *a = (volatile float *)c->arena; float x = a[0], y = a[1];\n"
        f"  for (int i = 0; i < 9; i++) {{\n{lines}\n"
        f"  if (a[2] > x) {{ y = 1.5f * x; continue; }}\n"
        f"{lines}\n  }}\n  a[3] = x;\n  return 0;\n}}\n"
    )


@pytest.mark.heavy
@pytest.mark.parametrize(
    "name", ["cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"]
)
@pytest.mark.parametrize("count", [40, 150, 400])
def test_long_float_code_passes_the_scan(name: str, count: int) -> None:
    code = build_code(far_constants(count), find_target(name), 1, "speed")
    assert scan(code.code, code.step_offsets) == ""


def test_code_without_constants_is_tried_if_the_scan_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []

    def refuse_the_first(code: bytes, steps: Sequence[int]) -> str:
        seen.append(len(code))
        return "branch at 8" if len(seen) == 1 else scan(code, steps)

    def refuse_all(code: bytes, steps: Sequence[int]) -> str:
        seen.append(len(code))
        return "branch at 8"

    target = find_target("cortex-m4")
    family = replace(target.family, scan=refuse_the_first)
    build_code(far_constants(40), replace(target, family=family), 1, "speed")
    assert len(seen) == 2
    seen.clear()
    target = find_target("cortex-m0plus")  # whose code cannot do without
    family = replace(target.family, scan=refuse_all)
    with pytest.raises(ToolchainError, match="a board would refuse the code: branch at 8"):
        build_code(far_constants(40), replace(target, family=family), 1, "speed")
    assert len(seen) == 2  # for speed, then for size
