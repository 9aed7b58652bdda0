"""The schedule: when each step runs, and the places of its tensors in the arena."""
