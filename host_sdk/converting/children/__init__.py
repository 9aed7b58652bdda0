"""The programs that convert, each in a process of its own.

Those of onnx2tf and litert-torch run in environments that hold neither this package nor what it
needs, so they import nothing of it but one another, by relative names.
"""
