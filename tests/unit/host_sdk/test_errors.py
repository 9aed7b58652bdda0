from __future__ import annotations

import inspect
import re

import pytest

import host_sdk
from host_sdk import errors
from host_sdk.errors import DeviceError, PythonError, XipnetError, device_error
from tools.errors_page import errors_page, read_codes, status_header

HEADER = status_header().read_text(encoding="utf-8")


def classes() -> list[type[Exception]]:
    found = [
        c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
    ]
    return [c for c in found if issubclass(c, Exception)]


def test_every_code_of_the_device_has_a_class_and_no_class_is_left_over() -> None:
    assert {c.code for c in read_codes(HEADER)} == set(DeviceError.codes)


def test_every_line_of_the_header_is_read() -> None:
    assert len(read_codes(HEADER)) == HEADER.count("XN_E_")


def test_every_error_has_the_root() -> None:
    assert all(issubclass(c, XipnetError) for c in classes())


def test_the_tree_in_the_docstring_names_every_error() -> None:
    tree = set(re.findall(r"\w+Error\b", errors.__doc__ or ""))
    assert tree == {c.__name__ for c in classes()}


def test_an_unknown_code_is_still_an_error_with_its_words() -> None:
    error = device_error(-999, "too hot", "81 C", "run")
    assert type(error) is DeviceError
    assert str(error) == "run: too hot (81 C) [-999]"


def test_a_python_error_shows_the_traceback() -> None:
    error = device_error(-80, "the code raised", "Traceback:\n  ValueError: x\n", "exec")
    assert isinstance(error, PythonError)
    assert str(error) == "Python on the board: Traceback:\n  ValueError: x"


def test_the_page_lists_every_code() -> None:
    page = errors_page(HEADER)
    assert all(f"| {c.code} | `XN_E_{c.name}` |" in page for c in read_codes(HEADER))


def test_all_lists_what_is_public() -> None:
    for name in host_sdk.__all__:
        getattr(host_sdk, name)  # imports it
    public = {
        n for n, v in vars(host_sdk).items() if not n.startswith("_") and not inspect.ismodule(v)
    }
    assert set(host_sdk.__all__) == public
    assert host_sdk.__all__ == sorted(host_sdk.__all__)


@pytest.mark.parametrize("name", host_sdk.__all__)
def test_what_is_public_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(host_sdk, name))
