"""The firmware: its C sources, the description of its boards, and the script that builds it."""
