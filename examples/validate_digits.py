"""Validate the shipped digit model on pictures that its training never saw.

    python examples/validate_digits.py                             # on a virtual Cortex-M55
    python examples/validate_digits.py /dev/ttyACM0                # on a board
    python examples/validate_digits.py host                        # on this computer

Writes digits_report.html, and says the first layer that differs from LiteRT's, if one does.
"""

from __future__ import annotations

import sys

from train_digits import MODEL_PATH, digits

from host_sdk import Device, Report, Trace, trace_on_host, validate_on_host


def on_board(port: str) -> tuple[Report, Trace]:
    data = digits(held_out=True)
    with Device(port) as board:
        board.load_model(MODEL_PATH)
        report = board.validate(data.pictures, data.labels, progress=True)
        return report, board.trace(data.pictures[0] / 255)


def on_host() -> tuple[Report, Trace]:
    data = digits(held_out=True)
    report = validate_on_host(MODEL_PATH, data.pictures, data.labels, progress=True)
    return report, trace_on_host(MODEL_PATH, data.pictures[0] / 255)


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "sim://cortex-m55"
    report, trace = on_host() if port == "host" else on_board(port)
    report.save("digits_report.html")
    print(report, trace, "written to digits_report.html", sep="\n\n")


if __name__ == "__main__":
    main()
