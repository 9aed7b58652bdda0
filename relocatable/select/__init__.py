"""Kernel choice, one module per family of operators."""
