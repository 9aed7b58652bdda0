"""What a sim:// URL says."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_sdk.errors import PortNotFoundError
from host_sdk.transports.sensor_files import SensorFiles
from host_sdk.transports.sim import SimUrl, open_sim, parse_sim


def test_sensors() -> None:
    assert parse_sim("sim://cortex-m4?camera=clip&fps=2.5&mic=a.wav") == SimUrl(
        "cortex-m4", sensors=SensorFiles(Path("clip"), Path("a.wav"), 2.5)
    )
    assert not parse_sim("sim://cortex-m4?icount=on").sensors.are_there


@pytest.mark.parametrize("fps", ["0", "-1", "nan", "inf", "fast"])
def test_a_wrong_rate_is_refused(fps: str) -> None:
    with pytest.raises(PortNotFoundError, match="fps must be"):
        parse_sim(f"sim://cortex-m4?camera=clip&fps={fps}")


def test_a_sensor_without_its_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PortNotFoundError, match="no such file"):
        open_sim(f"sim://cortex-m55?camera={tmp_path}/missing")
