"""Models on the board: inputs, runs, results."""
