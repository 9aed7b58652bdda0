"""Classes of Keras that only compute: what a model's file may name.

Not on the list: what holds code (Lambda, TorchModuleWrapper, JaxLayer, FlaxLayer), what reads files
that the model names (TFSMLayer, StringLookup, IntegerLookup, TextVectorization), and what works on
texts, which no blob does.
"""

from __future__ import annotations

import re

_LAYERS = """
Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average AveragePooling1D
AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization Bidirectional
CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D
Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D Cropping3D CutMix
Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding
Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D
GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D
GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D
GlobalMaxPooling3D GroupNormalization GroupQueryAttention Identity InputLayer InputSpec LSTM
LSTMCell LayerNormalization LeakyReLU Masking MaxPool1D MaxPool2D MaxPool3D MaxPooling1D
MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum MixUp MultiHeadAttention Multiply
Normalization PReLU Permute Pipeline RMSNormalization RNN RandAugment RandomBrightness
RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomErasing RandomFlip
RandomGaussianBlur RandomGrayscale RandomHeight RandomHue RandomInvert RandomPerspective
RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation
RandomWidth RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding
STFTSpectrogram SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D
SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D
SpectralNormalization StackedRNNCells Subtract SyncBatchNormalization ThresholdedReLU
TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D Wrapper ZeroPadding1D
ZeroPadding2D ZeroPadding3D
"""
_INITIALIZERS = """
Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal
LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform STFT STFTInitializer
TruncatedNormal VarianceScaling Zeros
"""
_REGULARIZERS = "L1 L1L2 L2 OrthogonalRegularizer"
_CONSTRAINTS = "MaxNorm MinMaxNorm NonNeg UnitNorm"
_POLICIES = "DTypePolicy DTypePolicyMap FloatDTypePolicy Policy QuantizedDTypePolicy"
_MODELS = "Functional Model Sequential"

LAYERS = frozenset(_LAYERS.split())
MODELS = frozenset(_MODELS.split())
_POLICY_NAMES = frozenset(_POLICIES.split())
_BY_MODULE = {
    "layers": LAYERS,
    "initializers": frozenset(_INITIALIZERS.split()),
    "regularizers": frozenset(_REGULARIZERS.split()),
    "constraints": frozenset(_CONSTRAINTS.split()),
    "dtype_policies": _POLICY_NAMES,
    "mixed_precision": _POLICY_NAMES,
    "models": MODELS,
    "": MODELS | _POLICY_NAMES,
}
# An old file names no modules.
_ANYWHERE = frozenset[str]().union(*_BY_MODULE.values())
# Modules whose every class only computes: operations of a functional model, and where models are.
_OPERATIONS = re.compile(
    r"keras\.src\.(ops\.(core|einops|image|linalg|math|nn|numpy)|activations\.activations)"
)
_MODEL_MODULES = re.compile(
    r"(tf_)?keras(\.src)?\.(models|engine)\.(functional|sequential|training)"
)
_CLASS_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
# Values that Keras writes as if they were objects.
VALUES = frozenset(
    [
        "__keras_tensor__",
        "__tensor__",
        "__numpy__",
        "__bytes__",
        "__ellipsis__",
        "__slice__",
        "__tuple__",
    ]
)

# Layers of Keras 2 that call a function of TensorFlow by its name.
FUNCTION_LAYERS = ("TFOpLambda", "SlicingOpLambda")
_FUNCTIONS = re.compile(
    r"(compat\.v1\.)?((math|nn|image|linalg|signal)\.[a-z0-9_]+|__operators__\.[a-z]+|"
    r"(broadcast_to|cast|clip_by_value|concat|convert_to_tensor|expand_dims|fill|gather|gather_nd|"
    r"identity|ones_like|one_hot|pad|range|repeat|reshape|reverse|shape|slice|split|squeeze|stack|"
    r"strided_slice|tile|transpose|unstack|where|zeros_like))"
)


def is_known(module: object, name: object) -> bool:
    """Tell whether a class is one of Keras's that only compute.

    Args:
        module: what the file says; None: an old file.
        name: of the class.
    """
    if not isinstance(name, str) or not _CLASS_NAME.fullmatch(name):
        return False
    if module is None:
        return name in _ANYWHERE
    if not isinstance(module, str):
        return False
    if _OPERATIONS.fullmatch(module):
        return True
    if _MODEL_MODULES.fullmatch(module):
        return name in MODELS
    package, _, inner = module.partition(".")
    return package in ("keras", "tf_keras") and name in _BY_MODULE.get(inner, ())


def is_known_function(name: object) -> bool:
    """Tell whether a function of TensorFlow is one that only computes."""
    return isinstance(name, str) and _FUNCTIONS.fullmatch(name) is not None
