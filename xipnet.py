"""What `host_sdk` gives, under the name that it has on a board, too.

import xipnet

with xipnet.Device("sim://cortex-m55") as board:
    board.load_model("coins.tflite")
"""

import typing

import host_sdk

if typing.TYPE_CHECKING:
    from host_sdk import *  # noqa: F403

__all__ = host_sdk.__all__


def __getattr__(name: str) -> typing.Any:
    return getattr(host_sdk, name)


def __dir__() -> list[str]:
    return __all__


if __name__ == "__main__":
    from host_sdk.cli import main

    main()
