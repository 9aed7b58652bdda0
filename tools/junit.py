"""Run pytest and read its report in the format of JUnit."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run_pytest(*options: str) -> str:
    """Run pytest on all cores and return the report's XML."""
    jobs = ("-n", os.environ.get("JOBS", "auto"), "--dist", "loadgroup")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", *jobs, *options, f"--junit-xml={report}"]
        subprocess.run(command, cwd=ROOT, check=False)
        return report.read_text(encoding="utf-8")


def counts(report: str) -> dict[str, int]:
    """Count the report's tests, failures, errors and skipped tests.

    Args:
        report: XML.
    """
    suite = ElementTree.fromstring(report).find("testsuite")
    if suite is None:
        raise ValueError("the report of pytest has no test suite")
    return {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}


def properties(report: str, name: str) -> list[str]:
    """List what tests recorded by a name.

    Args:
        report: XML.
        name: of the property.
    """
    found = ElementTree.fromstring(report).iter("property")
    return [element.get("value", "") for element in found if element.get("name") == name]
