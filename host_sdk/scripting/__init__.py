"""Python on the board, from the computer."""
