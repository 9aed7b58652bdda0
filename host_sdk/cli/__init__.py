"""The command `xipnet`."""

from host_sdk.cli.main import main

__all__ = ["main"]
