"""Head `own`: a C function of the user's."""

from relocatable.heads.own.own import OwnHead

__all__ = ["HEAD", "OwnHead"]

HEAD = OwnHead
