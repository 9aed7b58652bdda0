"""Validation: many samples through a model, compared with labels and with LiteRT's reference."""
