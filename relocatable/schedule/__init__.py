"""When each step runs, and where its tensors lie in the arena."""
