"""From the files of other tools to a .tflite: told apart, checked, converted."""
