"""Give options to the TensorRT provider of the real onnxruntime-gpu wheel and print what it has.

Run as `option_parser.py LIBRARY STUB...` with a JSON object of options on stdin, in a process of
its own. The stubs stand for NVIDIA's libraries: they let the provider load, and do nothing.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

# Positions in OrtApi, which never change.
_GET_ERROR_MESSAGE, _CREATE_ENV, _GET_ALLOCATOR = 2, 3, 78
_CREATE_OPTIONS, _UPDATE_OPTIONS, _OPTIONS_AS_STRING = 171, 172, 173
_API_VERSION = 21


class ApiBase(ctypes.Structure):
    """OrtApiBase."""

    _fields_ = (
        ("get_api", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)),
        ("get_version", ctypes.CFUNCTYPE(ctypes.c_char_p)),
    )


def main(library: str, stubs: list[str]) -> None:
    """Load the stubs, then the library, and print the options as the provider parsed them."""
    for stub in stubs:
        ctypes.CDLL(stub, mode=ctypes.RTLD_GLOBAL)
    get_base = ctypes.CDLL(library).OrtGetApiBase
    get_base.restype = ctypes.POINTER(ApiBase)
    table = get_base().contents.get_api(_API_VERSION)
    functions = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))

    def call(position: int, *arguments: Any) -> None:
        function = ctypes.CFUNCTYPE(ctypes.c_void_p, *(type(a) for a in arguments))
        status = function(functions[position])(*arguments)
        if status:
            message = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)
            raise SystemExit(message(functions[_GET_ERROR_MESSAGE])(status).decode())

    def pointer_to(value: Any) -> ctypes.c_void_p:
        return ctypes.c_void_p(ctypes.addressof(value))

    env, options, allocator, text = (ctypes.c_void_p() for _ in range(4))
    # 4: nothing but what is fatal is logged.
    call(_CREATE_ENV, ctypes.c_int(4), ctypes.c_char_p(b"test"), pointer_to(env))
    call(_CREATE_OPTIONS, pointer_to(options))
    given = json.load(sys.stdin)
    names, values = (
        (ctypes.c_char_p * len(given))(*(item.encode() for item in items))
        for items in (given.keys(), given.values())
    )
    call(
        _UPDATE_OPTIONS,
        options,
        pointer_to(names),
        pointer_to(values),
        ctypes.c_size_t(len(given)),
    )
    call(_GET_ALLOCATOR, pointer_to(allocator))
    call(_OPTIONS_AS_STRING, options, allocator, pointer_to(text))
    print(ctypes.cast(text, ctypes.c_char_p).value.decode())  # type: ignore[union-attr]
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
