"""Objects in the board's store: uploads, trials, files."""
