"""The active model's name holds a model: nothing else takes its place."""

from __future__ import annotations

import pytest

from host_sdk import Device
from host_sdk.errors import ObjectTypeError
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.conftest import Connect

SCRIPT = b"print(1)\n"


@pytest.fixture
def device(connect: Connect) -> Device:
    return connect()[1]


def active(device: Device) -> list[tuple[str, str, int]]:
    return [(o.name, o.type, o.version) for o in device.ls() if o.active]


def test_no_script_or_data_takes_the_place_of_the_active_model(device: Device) -> None:
    device.load_model(make_blob(), "net.py")
    for contents in (SCRIPT, b"data"):
        with pytest.raises(ObjectTypeError, match=r"net\.py: the active model's name"):
            device.put("net.py", contents)
    assert active(device) == [("net.py", "blob", 1)]
    assert device.model().version == 1
    device.load_model(make_blob(fill=b"v"), "other")
    assert device.put("net.py", SCRIPT).version == 2  # it is not active any more


def test_a_name_that_was_a_scripts_can_become_the_active_one_but_not_go_back(
    device: Device,
) -> None:
    device.put("net.py", SCRIPT)
    device.load_model(make_blob(), "net.py")
    assert active(device) == [("net.py", "blob", 2)]
    with pytest.raises(ObjectTypeError, match="the version before"):
        device.rollback("net.py")
    assert active(device) == [("net.py", "blob", 2)]
    device.rm("net.py")
    assert device.ls() == []


def test_a_trial_over_a_script_returns_to_what_was_active(device: Device) -> None:
    device.put("net.py", SCRIPT)
    device.load_model(make_blob(fill=b"v"), "other")
    device.load_model(make_blob(), "net.py", confirm="manual")
    device.rollback("net.py")
    assert active(device) == [("other", "blob", 1)]
    assert device.get("net.py") == SCRIPT
