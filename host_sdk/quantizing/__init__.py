"""Quantise a .tflite of floats by several schemes, and lay open what each costs and gives."""
