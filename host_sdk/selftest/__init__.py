"""What `xipnet selftest` tries on a board, and what was predicted of it."""
