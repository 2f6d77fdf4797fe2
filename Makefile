# make train: environment, extension, and the whole workflow on the built-in sample world
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p && break; done || echo python3)
BIN := .venv/bin
CORE := $(shell find csrc -type f 2>/dev/null) setup.py pyproject.toml
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: train env test test-slow test-exhaustive check bench kernels gpu-check schemas lock clean

train: env
	snakemake --profile local train_all

env: .venv/.built

.venv/.installed: requirements.lock envs/bootstrap.awk
	@sh envs/prerequisites.sh $(PYTHON)
	@echo "Installing the environment into .venv from requirements.lock (about three minutes) …"
	$(PYTHON) -m venv --clear .venv
	@awk -f envs/bootstrap.awk requirements.lock > .venv/bootstrap.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r .venv/bootstrap.txt
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes --no-deps --no-build-isolation -r requirements.lock
	@touch $@

.venv/.built: .venv/.installed $(CORE)
	@echo "Building the compiled core …"
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

test: env
	pytest -m "not slow and not exhaustive" -n 2 --dist loadscope --no-loadscope-reorder

test-slow: env
	pytest -m "slow and not exhaustive" -n 2 --dist loadscope --no-loadscope-reorder --timeout 1800 --durations=40

test-exhaustive: env
	pytest -m exhaustive

check: env
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	clang-format --dry-run --Werror $$(git ls-files 'csrc/*.h' 'csrc/*.cpp' 'csrc/*.cu*' 'tests/*.h' 'tests/*.cpp')
	mypy within_wf

bench: env
	@for script in benchmarks/*.py; do echo "== $$script"; python $$script || exit 1; done

kernels: env
	python benchmarks/gpu/kernels.py

gpu-check:
	$(or $(GPU_PYTHON),$(PYTHON)) benchmarks/gpu/check.py

schemas: env
	within-wf config schemas

lock: .venv/.installed
	uv pip compile --generate-hashes --python-version 3.11 --override requirements-overrides.txt -o requirements.lock requirements.in

clean:
	rm -rf .venv build .within .snakemake out results logs within_wf/*.so
