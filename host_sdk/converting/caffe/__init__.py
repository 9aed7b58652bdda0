"""Networks of Caffe, a `.prototxt` and its weights, as a .tflite of floats."""

from host_sdk.converting.caffe.convert import convert_caffe

__all__ = ["convert_caffe"]
