"""Environments for converters whose packages exclude ours: a list each, NAME.toml."""
