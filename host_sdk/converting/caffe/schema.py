"""What is read of Caffe's messages: names and numbers as in BVLC's `caffe.proto`.

Fields that are missing here are skipped, as protobuf does; those of a layer that change what it
computes are all here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["V1_TYPES", "network_class"]

# message: {field: (number, type)}; a type is protobuf's, or the name of a message or an enum; "*":
# repeated
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "BlobShape": {"dim": (1, "*packed int64")},
    "BlobProto": {
        "num": (1, "int32"),
        "channels": (2, "int32"),
        "height": (3, "int32"),
        "width": (4, "int32"),
        "data": (5, "*packed float"),
        "shape": (7, "BlobShape"),
        "double_data": (8, "*packed double"),
    },
    "NetStateRule": {"phase": (1, "Phase")},
    "TransformationParameter": {
        "scale": (1, "float"),
        "crop_size": (3, "uint32"),
        "mean_file": (4, "string"),
        "mean_value": (5, "*float"),
    },
    "ConvolutionParameter": {
        "num_output": (1, "uint32"),
        "bias_term": (2, "bool"),
        "pad": (3, "*uint32"),
        "kernel_size": (4, "*uint32"),
        "group": (5, "uint32"),
        "stride": (6, "*uint32"),
        "pad_h": (9, "uint32"),
        "pad_w": (10, "uint32"),
        "kernel_h": (11, "uint32"),
        "kernel_w": (12, "uint32"),
        "stride_h": (13, "uint32"),
        "stride_w": (14, "uint32"),
        "axis": (16, "int32"),
        "dilation": (18, "*uint32"),
    },
    "PoolingParameter": {
        "pool": (1, "Pool"),
        "kernel_size": (2, "uint32"),
        "stride": (3, "uint32"),
        "pad": (4, "uint32"),
        "kernel_h": (5, "uint32"),
        "kernel_w": (6, "uint32"),
        "stride_h": (7, "uint32"),
        "stride_w": (8, "uint32"),
        "pad_h": (9, "uint32"),
        "pad_w": (10, "uint32"),
        "global_pooling": (12, "bool"),
        "round_mode": (13, "Round"),
    },
    "InnerProductParameter": {
        "num_output": (1, "uint32"),
        "bias_term": (2, "bool"),
        "axis": (5, "int32"),
        "transpose": (6, "bool"),
    },
    "LRNParameter": {
        "local_size": (1, "uint32"),
        "alpha": (2, "float"),
        "beta": (3, "float"),
        "norm_region": (4, "Region"),
        "k": (5, "float"),
    },
    "ReLUParameter": {"negative_slope": (1, "float")},
    "SoftmaxParameter": {"axis": (2, "int32")},
    "ConcatParameter": {"concat_dim": (1, "uint32"), "axis": (2, "int32")},
    "FlattenParameter": {"axis": (1, "int32"), "end_axis": (2, "int32")},
    "InputParameter": {"shape": (1, "*BlobShape")},
    "MemoryDataParameter": {
        "batch_size": (1, "uint32"),
        "channels": (2, "uint32"),
        "height": (3, "uint32"),
        "width": (4, "uint32"),
    },
    "LayerParameter": {
        "name": (1, "string"),
        "type": (2, "string"),
        "bottom": (3, "*string"),
        "top": (4, "*string"),
        "blobs": (7, "*BlobProto"),
        "include": (8, "*NetStateRule"),
        "exclude": (9, "*NetStateRule"),
        "transform_param": (100, "TransformationParameter"),
        "concat_param": (104, "ConcatParameter"),
        "flatten_param": (135, "FlattenParameter"),
        "convolution_param": (106, "ConvolutionParameter"),
        "inner_product_param": (117, "InnerProductParameter"),
        "lrn_param": (118, "LRNParameter"),
        "memory_data_param": (119, "MemoryDataParameter"),
        "input_param": (143, "InputParameter"),
        "pooling_param": (121, "PoolingParameter"),
        "relu_param": (123, "ReLUParameter"),
        "softmax_param": (125, "SoftmaxParameter"),
    },
    "V1LayerParameter": {
        "bottom": (2, "*string"),
        "top": (3, "*string"),
        "name": (4, "string"),
        "type": (5, "LayerType"),
        "blobs": (6, "*BlobProto"),
        "include": (32, "*NetStateRule"),
        "exclude": (33, "*NetStateRule"),
        "transform_param": (36, "TransformationParameter"),
        "concat_param": (9, "ConcatParameter"),
        "convolution_param": (10, "ConvolutionParameter"),
        "inner_product_param": (17, "InnerProductParameter"),
        "lrn_param": (18, "LRNParameter"),
        "memory_data_param": (22, "MemoryDataParameter"),
        "pooling_param": (19, "PoolingParameter"),
        "relu_param": (30, "ReLUParameter"),
        "softmax_param": (39, "SoftmaxParameter"),
    },
    "NetParameter": {
        "name": (1, "string"),
        "layers": (2, "*V1LayerParameter"),
        "input": (3, "*string"),
        "input_dim": (4, "*int32"),
        "input_shape": (8, "*BlobShape"),
        "layer": (100, "*LayerParameter"),
    },
}

# What a type of V1 is called in today's files.
V1_TYPES = {
    "ACCURACY": "Accuracy",
    "CONCAT": "Concat",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DROPOUT": "Dropout",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "IMAGE_DATA": "ImageData",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "POOLING": "Pooling",
    "RELU": "ReLU",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "MEMORY_DATA": "MemoryData",
    "SILENCE": "Silence",
}
_ENUMS = {
    "Phase": ("TRAIN", "TEST"),
    "Pool": ("MAX", "AVE", "STOCHASTIC"),
    "Round": ("CEIL", "FLOOR"),
    "Region": ("ACROSS_CHANNELS", "WITHIN_CHANNEL"),
    "LayerType": (
        *("NONE", "ACCURACY", "BNLL", "CONCAT", "CONVOLUTION", "DATA", "DROPOUT"),
        *("EUCLIDEAN_LOSS", "FLATTEN", "HDF5_DATA", "HDF5_OUTPUT", "IM2COL", "IMAGE_DATA"),
        *("INFOGAIN_LOSS", "INNER_PRODUCT", "LRN", "MULTINOMIAL_LOGISTIC_LOSS", "POOLING"),
        *("RELU", "SIGMOID", "SOFTMAX", "SOFTMAX_LOSS", "SPLIT", "TANH", "WINDOW_DATA"),
        *("ELTWISE", "POWER", "SIGMOID_CROSS_ENTROPY_LOSS", "HINGE_LOSS", "MEMORY_DATA"),
        *("ARGMAX", "THRESHOLD", "DUMMY_DATA", "SLICE", "MVN", "ABSVAL", "SILENCE"),
        *("CONTRASTIVE_LOSS", "EXP", "DECONVOLUTION"),
    ),
}
_DEFAULTS = {
    ("ConvolutionParameter", "bias_term"): "true",
    ("ConvolutionParameter", "group"): "1",
    ("ConvolutionParameter", "axis"): "1",
    ("PoolingParameter", "stride"): "1",
    ("InnerProductParameter", "bias_term"): "true",
    ("InnerProductParameter", "axis"): "1",
    ("LRNParameter", "local_size"): "5",
    ("LRNParameter", "alpha"): "1",
    ("LRNParameter", "beta"): "0.75",
    ("LRNParameter", "k"): "1",
    ("SoftmaxParameter", "axis"): "1",
    ("ConcatParameter", "concat_dim"): "1",
    ("ConcatParameter", "axis"): "1",
    ("FlattenParameter", "axis"): "1",
    ("FlattenParameter", "end_axis"): "-1",
    ("TransformationParameter", "scale"): "1",
}


@cache
def network_class() -> Any:
    """Return protobuf's class of a NetParameter."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="xipnet_caffe.proto", package="caffe")
    file.syntax = "proto2"
    for name, values in _ENUMS.items():
        # Values of an enum share the room that it is in: a message of its own for each.
        enum = file.message_type.add(name=f"{name}Of").enum_type.add(name=name)
        for number, value in enumerate(values):
            enum.value.add(name=value, number=number)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            added = message.field.add(name=field, number=number)
            _describe(added, kind)
            if (name, field) in _DEFAULTS:
                added.default_value = _DEFAULTS[name, field]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))


def _describe(field: Any, kind: str) -> None:
    field.label = field.LABEL_REPEATED if kind.startswith("*") else field.LABEL_OPTIONAL
    *packed, kind = kind.lstrip("*").split()
    field.options.packed = bool(packed)
    if kind in _ENUMS:
        field.type, field.type_name = field.TYPE_ENUM, f".caffe.{kind}Of.{kind}"
    elif kind in _MESSAGES:
        field.type, field.type_name = field.TYPE_MESSAGE, f".caffe.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")
