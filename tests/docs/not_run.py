"""The blocks that no test runs as printed: each with the reason, and with what is checked instead.

A block that is neither run nor here fails `test_blocks.py`, and so does a line here without its
block. What holds for all of them: Python compiles, and the commands of a shell are known
(`known_commands.py`): targets of `make`, modules of `python -m`, options of `ufvideo`, extras of
`pip install`.
"""

from __future__ import annotations

INSTALLS = "installs packages from a network"
ROOT = "installs system packages as root"
WHOLE_CHECK = "runs this whole test suite, or hours of work"
GPU = "needs an NVIDIA GPU or TensorRT"
BOARD = "needs a Jetson board, or builds ONNX Runtime for one"
CROSS = "`make test-aarch64` runs it"
SHOWN = "shows a layout or a usage, and is no command"
SAME = "docs/guides/released_model.md has the same block, which is run"
MEASURES = "measures for minutes; tests/unit/test_bench_run.py runs it with less"
JSON = "compared key by key in test_json_blocks.py"

# Blocks, of which some share a line of the table.
NUM_NOT_RUN = 39
# The page, and how the block's first line begins (`Block.key`).
NOT_RUN: dict[tuple[str, str], str] = {
    ("README.md", 'pip install ".[cpu]"'): INSTALLS,
    ("README.md", 'pip install ".[cpu,export,hub]"'): INSTALLS,
    ("README.md", "ufvideo export hf:Hevven/UFVideo-7B package/ --v"): SAME,
    ("docs/architecture.md", "EXPORT (Python, torch) RUNTIME (C++17 core, Pyth"): SHOWN,
    ("docs/architecture.md", "native/src (C++17) sdk/ufvideo_sdk (Python) expo"): SHOWN,
    ("docs/cli.md", "ufvideo demo nano asked about a clip that ships,"): SHOWN,
    ("docs/bench.md", "ufvideo bench"): MEASURES,
    ("docs/bench.md", "ufvideo bench old/ --against new/"): MEASURES,
    ("docs/cli.md", "{"): JSON,
    ("docs/cpp.md", "cmake -S . -B build/aarch64 -G Ninja -DCMAKE_TOO"): CROSS,
    ("docs/gpu.md", "make gpu-kit OUT=kit"): GPU,
    ("docs/gpu.md", "python -m pytest -m gpu"): GPU,
    ("docs/guides/released_model.md", 'pip install ".[cpu,export,hub]"'): INSTALLS,
    ("docs/hub.md", 'pip install ".[cpu,hub]"'): INSTALLS,
    ("docs/hub.md", 'pip install ".[cpu,export,hub]"'): INSTALLS,
    ("docs/hub.md", "ufvideo export hf:Hevven/UFVideo-7B package/ --v"): SAME,
    ("docs/index.md", 'pip install ".[cpu]"'): INSTALLS,
    ("docs/install.md", 'pip install ".[cpu]"'): INSTALLS,
    ("docs/install.md", "bash cmake/install_debian_packages.sh"): ROOT,
    ("README.md", "make demo"): WHOLE_CHECK,
    ("docs/install.md", "make demo"): WHOLE_CHECK,
    ("docs/install.md", 'pip install ".[cuda]"'): GPU,
    ("docs/install.md", 'pip install "tensorrt-cu13==10.*"'): GPU,
    ("docs/jetson.md", "./build.sh --config Release --parallel --build_s"): BOARD,
    ("docs/jetson.md", "pip install . onnxruntime_gpu-*.whl"): BOARD,
    ("docs/jetson.md", "sudo nvpmodel -q"): BOARD,
    ("docs/jetson.md", "python -m pip install cibuildwheel"): INSTALLS,
    ("docs/live.md", 'pip install ".[cpu,watch]"'): INSTALLS,
    ("docs/live.md", "DIR/ --state DIR"): SHOWN,
    ("docs/live.md", "{"): JSON,
    ("docs/live.md", '{"camera":"front","edge":"start","id":3,"rule":"'): JSON,
    ("docs/package_format.md", "<package>/"): SHOWN,
    ("docs/package_format.md", "{"): JSON,
    ("docs/train_nano.md", "python -m training.train out/nano"): WHOLE_CHECK,
    ("docs/train_nano.md", "ufvideo export out/nano/checkpoint out/package -"): WHOLE_CHECK,
    ("docs/train_nano.md", "python -m training.evaluate.model_card out/score"): WHOLE_CHECK,
    ("tests/mutation/README.md", "python -m tests.mutation --seconds 3600 --seed 1"): WHOLE_CHECK,
}
