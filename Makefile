# One virtual environment, one benchmark. `make help` lists what there is.
PYTHON ?= python3.11
VENV ?= .venv
EXTRAS ?= all,dev
BACKENDS ?=
OUT ?=
SPEECH ?= $(if $(DIGITBENCH_DATA),$(DIGITBENCH_DATA)/librispeech)
LOADERS = $(or $(OUT),results/loaders)
BIN := $(VENV)/bin
QUICK := chance,mfcc-svm,mfcc-lite,whisper-closed:tiny.en,faster-whisper:tiny.en

define check-python
$(PYTHON) -c pass 2> /dev/null || { \
	echo "make: there is no $(PYTHON) that runs: name a Python 3.11, as in make setup PYTHON=/usr/bin/python3.11;" \
		"the classical backends run on 3.12 and 3.13 too: make setup PYTHON=python3.12 EXTRAS=dev" >&2; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "make: $(PYTHON) is $$($(PYTHON) --version), 3.11 is needed: name another with PYTHON=" >&2; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
	echo "make: $(PYTHON) has no venv: apt-get install $(notdir $(PYTHON))-venv, or name another with PYTHON=" >&2; \
	exit 1; }
endef

.DEFAULT_GOAL := help
.PHONY: help setup bench quick loaders robustness transcription reference models rejection test lint format harness content wer-predictor compression live-bench screenshots constraints clean fuzz-loading

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

setup: $(VENV)/ready  ## the virtual environment, with every package pinned in constraints.txt

$(VENV)/ready: pyproject.toml constraints.txt
	@$(check-python)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install pip==26.3
	$(BIN)/python -m pip install -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

bench: setup  ## the whole benchmark into results/; BACKENDS=a,b OUT=folder choose, again resumes
	$(BIN)/digitbench run $(if $(BACKENDS),--backends $(BACKENDS)) $(if $(OUT),--out $(OUT))

quick: setup  ## a first table in about two minutes: few clips, for testing only
	$(BIN)/digitbench run --limit 120 --backends $(or $(BACKENDS),$(QUICK)) --out results/quick \
		--latency-clips 130 --threads 1 --processes 1 --throughput-s 0 --no-checks
	@sed -n '/^## Summary/,/^## /p' results/quick/report.md | sed '$$d'

loaders: setup  ## loaders of sound files and the emotion pipeline, into results/loaders; OUT=folder, again resumes
	$(if $(SPEECH),test -e $(LOADERS)/emotion/comparison.md || \
		$(BIN)/python -m examples.emotion_features $(SPEECH) $(LOADERS)/emotion --compare,\
		@echo "SPEECH=folder of recordings, or DIGITBENCH_DATA with librispeech in it, adds the emotion pipeline")
	$(BIN)/digitbench loaders --out $(LOADERS)
	$(if $(OUT),,$(BIN)/python -m bench.loading.embed docs/loading.md $(LOADERS) claims)
	$(if $(OUT),,$(BIN)/python -m bench.loading.embed docs/loading.md $(LOADERS) bill)
	$(if $(OUT),,! grep -q 'loading: begin' README.md || $(BIN)/python -m bench.loading.embed README.md $(LOADERS) loading)

robustness: setup  ## the official test clips in noise, rooms and codecs, into results/robustness
	$(BIN)/digitbench run --config robustness.toml --out $(or $(OUT),results/robustness)

transcription: setup  ## words of LibriSpeech and Common Voice, test part, into results/; LIMIT=n tries it on few clips
	for corpus in librispeech common_voice; do \
		$(BIN)/digitbench run --config transcription.toml --corpus $$corpus --part test --out $(or $(OUT),results)/$$corpus \
			$(if $(BACKENDS),--backends $(BACKENDS)) $(if $(LIMIT),--limit $(LIMIT)) || exit 1; \
		$(if $(OUT)$(BACKENDS)$(LIMIT),,$(BIN)/python -m bench.report.embed docs/transcription.md results/$$corpus brief $$corpus || exit 1;) \
	done

reference: robustness transcription bench  ## the runs of digits and of words in results/, with plots, pages and notebooks
	$(BIN)/digitbench report results/fsdd --html
	$(BIN)/digitbench report results/robustness --html
	$(BIN)/digitbench report results/librispeech --html
	$(BIN)/digitbench report results/common_voice --html
	$(BIN)/python -m bench.report.html.screenshot results/robustness results/robustness/gallery.png whisper-closed:tiny.en
	$(BIN)/python -m bench.report.embed README.md results/fsdd brief
	$(BIN)/python -m bench.report.embed docs/robustness.md results/robustness robustness
	$(BIN)/python -m benchmarks.labels results/fsdd results/robustness --page docs/text-to-label.md
	$(BIN)/python -m tests.test_notebooks

models: setup  ## the models that ship, made anew on one thread in some five minutes
	$(BIN)/python -m bench.shipped.make

rejection: setup  ## false accepts of other words and of noise, into results/rejection; again resumes
	$(BIN)/digitbench rejection --out $(or $(OUT),results/rejection)

screenshots: setup  ## pictures of the page with real answers, into results/live
	$(BIN)/python -m benchmarks.pictures results/live

test: setup  ## the tests; real recordings where DIGITBENCH_DATA is set, synthetic ones otherwise
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 4 --dist worksteal  # on two cores, too: half of the time tests wait

lint: setup  ## style and types, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compression: setup  ## what compression costs in words and saves in work, into results/compression; needs DIGITBENCH_DATA
	$(BIN)/python -m benchmarks.compression test --page docs/compression.md

harness: setup  ## what the harness itself costs, and what it can tell apart
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.discrimination

content: setup  ## what content analysis tells, against planted truth and words, into results/content; again resumes
	$(BIN)/python -m benchmarks.content --docs docs/content.md $(if $(OUT),--out $(OUT))

wer-predictor: setup  ## how well WER is predicted, into results/wer-predictor; pairs are kept in build/, again resumes
	$(BIN)/python -m benchmarks.wer --docs docs/wer-predictor.md $(if $(OUT),--out $(OUT))

live-bench: setup  ## what is live, measured in 45 minutes, into results/live; again resumes
	$(BIN)/python -m benchmarks.live --out $(or $(OUT),results/live)

constraints:  ## resolve pyproject.toml anew and pin every package that it takes
	@$(check-python)
	$(PYTHON) -m venv --clear build/pins
	build/pins/bin/python -m pip install --quiet pip==26.3
	build/pins/bin/python -m pip install --quiet -e '.[all,dev]'
	sed -n 1p constraints.txt > build/pins/pinned
	build/pins/bin/python -m pip list --format=freeze --exclude-editable | grep -vE '^(pip|setuptools)=' | sed 's/+.*//' >> build/pins/pinned
	mv build/pins/pinned constraints.txt

clean:  ## remove the virtual environment and caches; results stay
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info

fuzz-loading:  ## ten thousand mutated files of each format through audiodecode: no crash, no hang, no lie
	$(BIN)/python -m benchmarks.fuzz_loading
