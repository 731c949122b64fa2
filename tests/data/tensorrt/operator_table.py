"""What TensorRT's ONNX parser takes, of the operators that our graphs for it use.

Source: onnx/onnx-tensorrt, docs/operators.md at commit 96e781103cfc ("ONNX-TensorRT 10.1 GA
release", June 2024, the support matrix of TensorRT 10). Later releases add operators and opsets.
Only what is needed here is written down. An operator of a graph that is missing below was not
looked up, or is not taken: look there before adding it.
"""

from __future__ import annotations

# Inclusive, of the default domain.
OPSETS = (9, 20)

FLOATS = frozenset({"FLOAT", "FLOAT16", "BFLOAT16"})
NUMBERS = FLOATS | {"INT32", "INT64"}
ALL = NUMBERS | {"BOOL"}

# Element types by operator.
TYPES: dict[str, frozenset[str]] = {
    "Add": NUMBERS,
    "ArgMax": NUMBERS,
    # The one operator beside the border itself that takes uint8.
    "Cast": ALL | {"UINT8"},
    "Concat": ALL,
    "Conv": FLOATS,
    "ConvTranspose": FLOATS,
    # Steps and zero points; the scale is a float.
    "DequantizeLinear": FLOATS | {"INT8"},
    "Div": NUMBERS,
    "Expand": ALL,
    "Gather": ALL,
    "GatherElements": ALL,
    "Gelu": NUMBERS | {"INT8"},
    "Gemm": FLOATS,
    "Greater": NUMBERS,
    "LayerNormalization": FLOATS,
    "MatMul": FLOATS,
    "MaxPool": FLOATS,
    "Mul": NUMBERS,
    "Pad": NUMBERS,
    "Pow": FLOATS,
    # A float and its scale; the zero point has the type of the steps.
    "QuantizeLinear": FLOATS | {"INT8"},
    "Reciprocal": FLOATS,
    "ReduceMean": NUMBERS,
    "Relu": NUMBERS,
    "Reshape": ALL,
    "Resize": FLOATS,
    "Shape": ALL,
    "Sigmoid": FLOATS,
    "Slice": ALL,
    "Softmax": FLOATS,
    "Split": ALL,
    "Sqrt": FLOATS,
    "Squeeze": ALL,
    "Sub": NUMBERS,
    "Tile": ALL,
    "Transpose": ALL,
    "Unsqueeze": ALL,
    "Where": ALL,
}

# Listed as not taken; met in our integer graphs. Operators of other domains are not in the matrix.
NOT_TAKEN = frozenset({"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger"})

# The input of these that has to be an initializer, by position.
CONSTANT_INPUTS = {"Pad": 3, "ReduceMean": 1, "Slice": 3, "Squeeze": 1, "Unsqueeze": 1}

# Which inputs of these are int8, by position; the others are floats. "Zero point must be zero", and
# scale and zero point are initializers.
INT8_INPUTS = {"QuantizeLinear": {2}, "DequantizeLinear": {0, 2}}

# Operators whose second output is not given.
FIRST_OUTPUT_ONLY = frozenset({"LayerNormalization", "MaxPool"})

# Resize: attributes, where a graph names them.
RESIZE = {
    "coordinate_transformation_mode": {
        "half_pixel",
        "pytorch_half_pixel",
        "tf_half_pixel_for_nn",
        "asymmetric",
        "align_corners",
    },
    "mode": {"nearest", "linear"},
    "nearest_mode": {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"},
    "keep_aspect_ratio_policy": {"stretch"},
    "antialias": {0},
}
