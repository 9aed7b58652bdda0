"""A model in training, measured on a board."""
