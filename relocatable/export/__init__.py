"""A blob as C, for a program of the user's own: sources, headers, an example."""
