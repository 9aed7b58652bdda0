"""The blob: its bytes, its metadata, its cost, and running it on the host."""
