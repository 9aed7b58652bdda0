"""Bundles: models, scripts and data as one object of a store (docs/SPEC-bundle.md)."""
