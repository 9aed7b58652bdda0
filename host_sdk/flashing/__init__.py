"""A firmware image onto a board: read, find the board, write, verify, greet."""
