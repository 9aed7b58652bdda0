"""What a model saw, kept for validation and training."""
