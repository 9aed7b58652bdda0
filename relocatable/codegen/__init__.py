"""Kernel calls to C text to position-independent code."""
