"""CUDA kernels of ONNX Runtime for the operators of our graphs: versions, types, host memory.

Sources, both read in November 2026:

- microsoft/onnxruntime, docs/OperatorKernels.md at commit 001d12d2623f, section
  CUDAExecutionProvider. The commit is between releases and older than 1.31.1: it has Pad up to
  version 18, and no more.
- libonnxruntime_providers_cuda.so of the onnxruntime-gpu 1.31.1 wheel for x86-64: the versions,
  type constraints and host-memory inputs that its kernels are registered with. Where the two
  differ, this is what is written down: Pad 19 to 20; ConvTranspose ends at 21; ReduceMean takes
  bfloat16; the KV cache of GroupQueryAttention may be uint8 (two int4 in one). Host memory is in
  the library alone.

Only operators that our graphs use, and of each only the kernel that opset 20 means. An operator
that is missing below was not looked up: look there before adding it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

RELEASE = "1.31.1"

FLOATS_16 = frozenset({"FLOAT16", "BFLOAT16"})
IEEE = frozenset({"FLOAT16", "FLOAT", "DOUBLE"})
FLOATS = IEEE | {"BFLOAT16"}
FLOAT8 = frozenset({"FLOAT8E4M3FN", "FLOAT8E5M2"})
INTEGERS = frozenset(
    {"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"},
)
WIDE_INTEGERS = frozenset({"INT32", "INT64", "UINT32", "UINT64"})
FIXED_SIZE = FLOATS | INTEGERS | {"BOOL"}
INDICES = frozenset({"INT32", "INT64"})


@dataclass(frozen=True)
class Kernel:
    """One registered kernel, all its element types together.

    Attributes:
        versions: First and last version of the operator's definition; no last one: the first alone
            (ONNX Runtime takes no kernel for a definition that is younger than the kernel).
        inputs: Type parameter of each input; the last one stands for all that follow.
        types: Element types of each type parameter.
        host_inputs: Positions of inputs that are read in host memory.
        host_outputs: Positions of outputs that are written in host memory.
    """

    versions: tuple[int, int | None]
    inputs: tuple[str, ...]
    types: dict[str, frozenset[str]]
    host_inputs: frozenset[int] = frozenset()
    host_outputs: frozenset[int] = frozenset()


def _of_one_type(since: int, types: frozenset[str], until: int | None = None) -> Kernel:
    return Kernel((since, until), ("T",), {"T": types})


def _of_a_shape(since: int, types: frozenset[str], *host: int, until: int | None = None) -> Kernel:
    """Data first, then int64 in host memory."""
    parameters = {"T": types, "shape": frozenset({"INT64"})}
    return Kernel((since, until), ("T", "shape"), parameters, frozenset(host))


def _of_indices(since: int) -> Kernel:
    return Kernel((since, None), ("T", "Tind"), {"T": FIXED_SIZE, "Tind": INDICES})


MICROSOFT = "com.microsoft"
KERNELS: dict[tuple[str, str], Kernel] = {
    ("", "Add"): _of_one_type(14, FLOATS | INTEGERS),
    ("", "ArgMax"): _of_one_type(13, IEEE),
    # What it makes is of these types too.
    ("", "Cast"): _of_one_type(19, FIXED_SIZE | FLOAT8, 20),
    ("", "Concat"): _of_one_type(13, FIXED_SIZE),
    ("", "Conv"): _of_one_type(11, IEEE, 21),
    ("", "ConvTranspose"): _of_one_type(11, IEEE, 21),
    ("", "DequantizeLinear"): Kernel(
        (19, 20),
        # x, x_scale, x_zero_point
        ("T1", "T2", "T1"),
        {"T1": FLOAT8 | {"INT8", "UINT8"}, "T2": frozenset({"FLOAT", "FLOAT16"})},
    ),
    ("", "Div"): _of_one_type(14, FLOATS | INTEGERS),
    ("", "Expand"): _of_a_shape(13, FIXED_SIZE, 1),
    ("", "Gather"): _of_indices(13),
    ("", "GatherElements"): _of_indices(13),
    ("", "Gelu"): _of_one_type(20, FLOATS),
    ("", "Gemm"): _of_one_type(13, FLOATS),
    ("", "Greater"): _of_one_type(13, IEEE | WIDE_INTEGERS),
    ("", "LayerNormalization"): _of_one_type(17, FLOATS),
    ("", "MatMul"): _of_one_type(13, FLOATS),
    ("", "MatMulInteger"): Kernel(
        (10, None),
        ("T1", "T2", "T1", "T2"),
        {"T1": frozenset({"INT8"}), "T2": frozenset({"INT8"})},
        frozenset({2, 3}),
    ),
    ("", "MaxPool"): _of_one_type(12, IEEE | {"INT8", "UINT8"}),
    ("", "Mul"): _of_one_type(14, FLOATS | INTEGERS),
    ("", "Pad"): Kernel(
        (19, 20),
        # data, pads, constant_value, axes
        ("T", "shape", "T", "shape"),
        {"T": IEEE | {"BOOL"}, "shape": frozenset({"INT64"})},
        frozenset({1, 2, 3}),
    ),
    ("", "QuantizeLinear"): Kernel(
        (19, 20),
        # x, y_scale, y_zero_point
        ("T1", "T1", "T2"),
        {"T1": frozenset({"FLOAT", "FLOAT16"}), "T2": FLOAT8 | {"INT8", "UINT8"}},
    ),
    ("", "ReduceMean"): _of_a_shape(18, FLOATS | {"INT32"}, 1),
    ("", "Relu"): _of_one_type(14, FLOATS),
    ("", "Reshape"): _of_a_shape(
        19, FIXED_SIZE | FLOAT8 | {"FLOAT8E4M3FNUZ", "FLOAT8E5M2FNUZ"}, 1, until=20
    ),
    ("", "Resize"): Kernel(
        (19, None),
        ("T1", "T2", "scales", "sizes"),
        {
            "T1": IEEE | {"INT32", "UINT8"},
            "T2": IEEE,
            "scales": frozenset({"FLOAT"}),
            "sizes": frozenset({"INT64"}),
        },
        frozenset({1, 2, 3}),
    ),
    ("", "Shape"): Kernel(
        (19, 20),
        ("T",),
        {"T": FIXED_SIZE | FLOAT8 | {"FLOAT8E4M3FNUZ", "FLOAT8E5M2FNUZ"}},
        host_outputs=frozenset({0}),
    ),
    ("", "Sigmoid"): _of_one_type(13, FLOATS),
    ("", "SimplifiedLayerNormalization"): Kernel((1, None), ("T", "V"), {"T": FLOATS, "V": FLOATS}),
    ("", "Slice"): Kernel(
        (13, None), ("T", "Tind"), {"T": FIXED_SIZE, "Tind": INDICES}, frozenset({1, 2, 3, 4})
    ),
    ("", "Softmax"): _of_one_type(13, FLOATS),
    ("", "Squeeze"): _of_a_shape(13, FIXED_SIZE, 1, until=20),
    ("", "Sub"): _of_one_type(14, FLOATS | INTEGERS),
    ("", "Tile"): _of_a_shape(13, FLOATS | INDICES, 1),
    ("", "Transpose"): _of_one_type(13, FIXED_SIZE, 20),
    ("", "Unsqueeze"): _of_a_shape(13, FIXED_SIZE, 1, until=20),
    (MICROSOFT, "GroupQueryAttention"): Kernel(
        (1, None),
        # query, key, value, past_key, past_value, seqlens_k, total_sequence_length, cosine, sine
        ("T", "T", "T", "T_CACHE", "T_CACHE", "M", "M", "T", "T"),
        {
            "T": FLOATS_16,
            "T_CACHE": FLOATS_16 | {"FLOAT8E4M3FN", "INT8", "UINT8"},
            "M": frozenset({"INT32"}),
        },
        frozenset({6}),
    ),
    (MICROSOFT, "MatMulNBits"): Kernel(
        (1, None),
        ("T1", "T2", "T1", "T3"),
        {
            "T1": FLOATS_16 | {"FLOAT"},
            "T2": frozenset({"UINT8"}),
            "T3": FLOATS_16 | {"FLOAT", "UINT8"},
        },
    ),
    (MICROSOFT, "SkipSimplifiedLayerNormalization"): _of_one_type(1, FLOATS_16 | {"FLOAT"}),
}

# ONNX Runtime's CPU build takes a Gelu in fp16 apart, for which it has no kernel and CUDA has one.
_PARTS_OF_GELU = {
    ("", "Erf"): _of_one_type(13, FLOATS),
    ("", "Pow"): Kernel((15, None), ("T", "T1"), dict.fromkeys(("T", "T1"), FLOATS | INDICES)),
    ("", "Sqrt"): _of_one_type(13, FLOATS),
    ("", "Sum"): _of_one_type(13, FLOATS),
    ("", "Tanh"): _of_one_type(13, FLOATS),
}
OF_THE_OPTIMIZER = frozenset(_PARTS_OF_GELU)
KERNELS |= _PARTS_OF_GELU

# In the released sizes alone: there the mask decoder computes the encoding of its grid as it runs.
_OF_RELEASED_SIZES = {("", name): _of_one_type(7, IEEE, 21) for name in ("Cos", "Sin")}
OF_RELEASED_SIZES = frozenset(_OF_RELEASED_SIZES)
KERNELS |= _OF_RELEASED_SIZES

# Looked up, and CUDA has none of them.
WITHOUT_KERNEL = frozenset({("", "DynamicQuantizeLinear")})

# The newest kernels of 1.24.4, in its wheel for x86-64, are of version 18, and opset 20 means 19 of
# both; 1.25.0 has them.
BEFORE_1_25 = {
    key: replace(KERNELS[key], versions=(18, None)) for key in (("", "Pad"), ("", "Resize"))
}

# Names of kernels' classes: whether the library of RELEASE has them. h is uint8, a int8, f float.
_CONTRIB, _CUDA = "N11onnxruntime7contrib4cuda", "N11onnxruntime4cuda"
CLASSES_IN_LIBRARY = {
    f"{_CONTRIB}19GroupQueryAttentionINS_9MLFloat16ES3_EE": True,
    f"{_CONTRIB}19GroupQueryAttentionIffEE": False,
    f"{_CONTRIB}13SkipLayerNormINS_9MLFloat16ELb1EEE": True,
    f"{_CONTRIB}11MatMulNBitsINS_9MLFloat16EEE": True,
    f"{_CONTRIB}11MatMulNBitsIfEE": True,
    f"{_CUDA}13MatMulIntegerIaaEE": True,
    f"{_CUDA}13MatMulIntegerIhaEE": False,
    f"{_CUDA}13ConvTransposeINS_9MLFloat16ELb0EEE": True,
    f"{_CUDA}9LayerNormIfffLb0EEE": True,
    f"{_CUDA}3PadINS_9MLFloat16EEE": True,
    f"{_CUDA}6ResizeIfEE": True,
    f"{_CUDA}4GeluINS_9MLFloat16EEE": True,
    f"{_CUDA}6ArgMaxINS_9MLFloat16EEE": True,
}
