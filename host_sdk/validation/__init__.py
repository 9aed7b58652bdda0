"""Many samples through a model, compared with labels and LiteRT's reference."""
