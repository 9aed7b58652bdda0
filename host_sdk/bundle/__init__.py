"""Bundles: models, scripts and data as one object (docs/SPEC-bundle.md)."""
