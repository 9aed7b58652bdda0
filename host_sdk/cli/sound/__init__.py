"""What demos of sound need: phrases with noise, and timelines."""
