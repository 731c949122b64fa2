# Everything a fresh Debian machine with Python and a compiler needs: `make demo`, `make test`.

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

SOURCES := pyproject.toml CMakeLists.txt $(shell find cmake native bindings sdk export -type f \
  \( -name '*.py' -o -name '*.pyi' -o -name '*.cc' -o -name '*.h' -o -name '*.cmake' -o -name '*.sh' \
  -o -name py.typed -o -path '*/nano/*' -o -path '*/ufvideo_sdk/demo/*' \))
HEADERS := .cache/onnxruntime
GPU_WHEEL := .cache/onnxruntime-gpu

.PHONY: check demo demo-export test test-python test-python-version test-oldest test-native test-aarch64 example watch-example sanitize tsan lint lint-python \
  lint-cpp types stubs stubs-check format docs bench gpu-kit test-gpu-kit setup clean

# What nano, the model that ships, answers about the clip that ships, beside the truth; no PyTorch.
demo: $(VENV)/.runtime
	mkdir -p out
	$(BIN)/ufvideo demo --save out/demo.mp4 --save out/demo.png

# From a checkpoint to an answer about a video file.
demo-export: setup
	$(BIN)/ufvideo export tests/data/small/checkpoint out/small --vision-tower tests/data/small/siglip --force
	$(BIN)/python -m benchmarks.clips out/ball.mp4
	$(BIN)/ufvideo ask out/ball.mp4 "What does the yellow ball do?" --package out/small --max-new-tokens 24 \
	  --save out/answer.mp4 --save out/answer.png
	$(BIN)/ufvideo segment out/ball.mp4 "the yellow ball" --package out/small --save out/segment.png
	@echo
	@echo "The package was made from a small checkpoint with RANDOM weights: it shows that the whole"
	@echo "path runs, and its words and masks mean nothing."
	@echo "Look at out/answer.png, out/answer.mp4 and out/segment.png."

test: setup test-native test-python

# A file's tests stay in one process, which makes their packages once.
test-python: setup example $(GPU_WHEEL)/.fetched
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# The tests that are neither slow nor need PyTorch, with another Python and in an environment of its
# own: `make test-python-version PYTHON=python3.13`.
OTHER := build/python-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
TEST_TOOLS := pytest pytest-xdist psutil onnx

test-python-version: | $(VENV)/.system
	$(PYTHON) -m venv $(OTHER)
	$(OTHER)/bin/python -m pip install -q ".[cpu,hub,watch]" $(TEST_TOOLS)
	$(OTHER)/bin/python -m pytest -q -n $(JOBS) --without-export -m "not slow"

# The same with the oldest release of everything that the metadata promises; of Python that is 3.10.
test-oldest: | $(VENV)/.system
	$(PYTHON) -m venv $(OTHER)-oldest
	$(OTHER)-oldest/bin/python -m pip install -q -c tests/oldest.txt ".[cpu,hub,watch]" $(TEST_TOOLS)
	$(OTHER)-oldest/bin/python -m pytest -q -n $(JOBS) --without-export -m "not slow"

setup: $(VENV)/.installed

# Compilers and header-only libraries; asks for root only where something is missing.
$(VENV)/.system: cmake/install_debian_packages.sh
	bash cmake/install_debian_packages.sh
	mkdir -p $(VENV) && touch $@

$(HEADERS)/.fetched: cmake/fetch_onnxruntime_headers.sh | $(VENV)/.system
	bash cmake/fetch_onnxruntime_headers.sh $(HEADERS)
	touch $@

$(VENV)/.created: | $(VENV)/.system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	touch $@

# What happens where a provider cannot start is tested with the real wheel for NVIDIA's GPUs, which
# is unpacked and never installed.
$(GPU_WHEEL)/.fetched: cmake/fetch_onnxruntime_gpu.sh | $(VENV)/.created
	PYTHON=$(BIN)/python bash cmake/fetch_onnxruntime_gpu.sh $(GPU_WHEEL)
	touch $@

# PyTorch first and by itself: a plain `torch` brings gigabytes of CUDA.
$(VENV)/.torch: | $(VENV)/.created
	$(BIN)/pip install -q "$(TORCH)"
	touch $@

# What a user of packages has.
$(VENV)/.runtime: $(HEADERS)/.fetched $(SOURCES) | $(VENV)/.created
	$(BIN)/pip install -q ".[cpu]"
	touch $@

$(VENV)/.installed: $(VENV)/.torch $(HEADERS)/.fetched $(SOURCES)
	rm -rf build/wheel
	$(BIN)/pip wheel -q --no-deps --wheel-dir build/wheel .
	$(BIN)/pip install -q --no-deps --force-reinstall build/wheel/*.whl
	$(BIN)/pip install -q "$$(echo build/wheel/*.whl)[cpu,export,dev,docs]"
	touch $@ $(VENV)/.runtime

ONNXRUNTIME_LIBRARY = $(shell $(BIN)/python -c \
  "from ufvideo_sdk.runtime.onnxruntime_library import find_library; print(find_library())")

build/native/.built: $(VENV)/.installed $(shell find tests/native -type f)
	cmake -S . -B build/native -G Ninja -DCMAKE_BUILD_TYPE=Release -DUFVIDEO_BUILD_TESTS=ON
	cmake --build build/native -j $(JOBS)
	touch $@

test-native: build/native/.built
	UFVIDEO_ONNXRUNTIME_LIBRARY=$(ONNXRUNTIME_LIBRARY) ctest --test-dir build/native --output-on-failure

# The C++ example, built against an installed library in folders that are made anew, and a camera that
# is watched.
example: build/example/.built watch-example

# Nano watches a rendered street over a real RTSP server: events, each with its clip. Look at
# out/watch-example/alerts.
watch-example: out/watch-example/.watched

out/watch-example/.watched: $(VENV)/.installed training/watch_example.py \
  $(shell find training/streams training/world examples/python tests/watch -type f)
	rm -rf out/watch-example
	$(BIN)/python -m training.watch_example out/watch-example
	touch $@

build/example/.built: build/native/.built $(shell find examples/cpp -type f)
	rm -rf build/prefix build/example
	cmake --install build/native --prefix build/prefix --component development >/dev/null
	cmake -S examples/cpp -B build/example -G Ninja -DCMAKE_BUILD_TYPE=Release \
	  -DCMAKE_PREFIX_PATH=$(CURDIR)/build/prefix -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror"
	cmake --build build/example
	touch $@

# Debian's compiler and qemu for 64-bit Arm.
$(VENV)/.aarch64: cmake/install_debian_packages.sh | $(VENV)/.system
	bash cmake/install_debian_packages.sh --aarch64
	touch $@

build/aarch64/.built: $(VENV)/.aarch64 $(VENV)/.installed $(shell find tests/native -type f)
	cmake -S . -B build/aarch64 -G Ninja -DCMAKE_BUILD_TYPE=Release -DUFVIDEO_BUILD_TESTS=ON \
	  -DUFVIDEO_WARNINGS_AS_ERRORS=ON \
	  -DCMAKE_TOOLCHAIN_FILE=$(CURDIR)/cmake/toolchains/aarch64-linux-gnu.cmake
	cmake --build build/aarch64 -j $(JOBS)
	touch $@

# The C++ tests for 64-bit Arm, in qemu, against ONNX Runtime's wheel for it.
test-aarch64: build/aarch64/.built
	UFVIDEO_ONNXRUNTIME_LIBRARY=$$(bash cmake/fetch_onnxruntime_aarch64.sh $(BIN)/python) \
	  ctest --test-dir build/aarch64 --output-on-failure -j $(JOBS)

build/sanitize/.built: $(VENV)/.installed $(shell find tests/native -type f)
	cmake -S . -B build/sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DUFVIDEO_BUILD_TESTS=ON \
	  -DUFVIDEO_SANITIZE=ON
	cmake --build build/sanitize -j $(JOBS)
	touch $@

# The C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitize: build/sanitize/.built
	UFVIDEO_ONNXRUNTIME_LIBRARY=$(ONNXRUNTIME_LIBRARY) ctest --test-dir build/sanitize --output-on-failure

# The C++ tests of threads under ThreadSanitizer; by hand, for its build takes minutes.
THREAD_TESTS := concurrency_test cancellation_test session_test session_batch_test video_stream_test \
  memory_budget_test session_memory_test tracker_test tracker_memory_test

tsan: $(VENV)/.installed
	cmake -S . -B build/tsan -G Ninja -DCMAKE_BUILD_TYPE=Debug -DUFVIDEO_BUILD_TESTS=ON \
	  -DUFVIDEO_SANITIZE_THREAD=ON
	cmake --build build/tsan -j $(JOBS) --target $(THREAD_TESTS)
	UFVIDEO_ONNXRUNTIME_LIBRARY=$(ONNXRUNTIME_LIBRARY) setarch $(shell uname -m) -R \
	  ctest --test-dir build/tsan --output-on-failure -R "^($(subst $(eval ) ,|,$(THREAD_TESTS)))$$"

# What is worth running before each commit: all but clang-tidy, the C++ tests, the slow tests and
# those that need PyTorch, whose modules cannot even be imported here.
check: lint-python lint-cpp types stubs-check
	$(BIN)/python -m pytest -q -n $(JOBS) --without-export -m "not slow"

lint-python: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=sdk:export $(BIN)/lint-imports

lint-cpp: setup
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files '*.cc' '*.h')

# Where sources or rules changed: reading them all takes a minute of two cores.
build/tidy/.checked: $(VENV)/.installed .clang-tidy $(shell find native -type f)
	cmake -S . -B build/tidy -G Ninja
	git ls-files 'native/*.cc' | xargs -P $(JOBS) -n 4 $(BIN)/clang-tidy -p build/tidy --quiet
	touch $@

lint: lint-python lint-cpp build/tidy/.checked

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $$(git ls-files '*.cc' '*.h')

types: setup
	$(BIN)/mypy

stubs: setup
	$(BIN)/python bindings/write_stubs.py

# Fails when the committed stub is not what the module says.
stubs-check: setup
	$(BIN)/python bindings/write_stubs.py --check

# The documents as a site in build/site; a warning is an error.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Everything that a machine with an NVIDIA GPU and without a network lacks, in pieces (docs/gpu.md).
OUT ?= out/gpu-kit
PIECE_MIB ?= 20
gpu-kit: setup
	$(BIN)/python -m benchmarks.gpu_kit.pack $(OUT) --piece-mib $(PIECE_MIB)

# The kit as it is, small, with the CPU for a device.
test-gpu-kit: build/gpu-kit/.measured

build/gpu-kit/.measured: $(VENV)/.installed $(shell find benchmarks tests/gpu -name '*.py' -o -name run.sh)
	rm -rf build/gpu-kit
	$(BIN)/python -m benchmarks.gpu_kit.pack build/gpu-kit --sizes quick --device cpu \
	  --python $$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	PYTHON=$(CURDIR)/$(BIN)/python build/gpu-kit/run --work build/gpu-kit/work --device cpu
	touch $@

bench: setup
	$(BIN)/python -m benchmarks.latency.pipeline

clean:
	rm -rf build out $(VENV) .cache
