"""The firmware: its C sources, its boards, and the program that builds it."""
