"""From sound to what a network takes: operators before it, a file each."""

from relocatable.front_ends.micro import FRONT_ENDS, with_front_end

__all__ = ["FRONT_ENDS", "with_front_end"]
