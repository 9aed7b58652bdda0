"""What OpenCV computes of the networks of caffe_networks.py; prints it as JSON.

python -m tests.unit.host_sdk.converting.opencv_outputs > tests/unit/host_sdk/converting/opencv.json

OpenCV is found in this Python or in the system's (Debian: python3-opencv).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.unit.host_sdk.converting.caffe_networks import picture, write_network

_PROGRAM = """
import sys, cv2, numpy
net = cv2.dnn.readNetFromCaffe(sys.argv[1], sys.argv[2])
net.setInput(numpy.load(sys.argv[3])[None])
print(",".join(repr(float(v)) for v in net.forward().ravel()))
"""


def python_with_opencv() -> str | None:
    """Return a Python that has OpenCV; None: there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run([python, "-c", "import cv2"], capture_output=True, check=False)
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return None


def opencv_outputs(python: str, name: str) -> list[float]:
    """Return what OpenCV's reader of Caffe computes of a network's picture."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_network(Path(folder), name)
        np.save(Path(folder) / "x.npy", picture(name))
        command = [python, "-c", _PROGRAM, *map(str, files), str(Path(folder) / "x.npy")]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
    return [float(v) for v in done.stdout.split(",")]


if __name__ == "__main__":
    found = python_with_opencv()
    if found is None:
        sys.exit("OpenCV is not installed (Debian: python3-opencv)")
    print(json.dumps({n: [round(v, 7) for v in opencv_outputs(found, n)] for n in ("full", "old")}))
