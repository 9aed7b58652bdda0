"""Quantise a .tflite of floats by several schemes, measured side by side."""
