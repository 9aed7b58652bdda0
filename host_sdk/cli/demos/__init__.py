"""The demos, by name."""
