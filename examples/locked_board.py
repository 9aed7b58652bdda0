"""Seal a script, lock a board, be refused, unlock it (docs/SIGNING.md).

python examples/locked_board.py [PORT]    # by default a virtual board that can be locked
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from host_sdk import Device, KeyFileSigner, LockedError, SealError
from host_sdk.trust.keys import new_key

PRODUCT = "example"
SCRIPT = b"import xipnet\n\n@xipnet.rpc\ndef hello():\n    return 'sealed'\n"


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "sim://cortex-m4-lockable"
    with tempfile.TemporaryDirectory() as folder, Device(port) as board:
        keys = [Path(folder) / name for name in ("release.key", "backup.key")]
        public = [new_key(file, None) for file in keys]  # of a product: with a password
        signer = KeyFileSigner(keys[0], product=PRODUCT, counter=1)
        board.put("main.py", SCRIPT, seal=signer)
        policy = board.lock("locked", PRODUCT, public)
        print(f"locked: {policy.state}, the board's own key is from: {policy.source}")
        board.reset()
        print(f"its sealed script runs: {board.rpc.hello()}")
        try:
            board.put("other.py", b"print('anybody')")
        except SealError as error:
            print(f"refused: {error}")
        try:
            board.exec("print('anybody')")
        except LockedError as error:
            print(f"refused: {error}")
        report = board.attest(device_key=policy.device)
        listed = "as listed" if report.is_listed_right else "NOT what is listed"
        print(f"attested: {report.state}, {report.objects} object, {listed}")
        board.unlock(signer, board=policy.board)
        board.put("other.py", b"print('anybody')")
        print("unlocked until its next start")
        board.lock("open")


if __name__ == "__main__":
    main()
