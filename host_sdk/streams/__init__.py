"""A model run on what a source brings, one window after another."""
