# Two commands to know: `make demo` and `make test`. Everything happens inside .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CONVERT := $(VENV)/.convert

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test check coverage architecture lint types docs browser bench pins clean help
help:
	@echo "make demo   build, export, serve and query the upsampling model on a photograph"
	@echo "make test   run the tests"
	@echo "make docs   build the site of docs/ into site/"
	@echo "make check  lint, format, types, site and tests, those against other frameworks too: what"
	@echo "            continuous integration runs"
	@echo "make browser   install Debian's Chromium and Node.js, where apt-get is at hand, for the tests of the"
	@echo "            web pages"
	@echo "make coverage  the tests again, with the share of branches that they reach"
	@echo "make bench  three minutes of benchmarks/ against Keras and what is installed of its peers"
	@echo "make clean  remove .venv and build/"

# The virtual environment is made again when the dependencies or their pins change.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tfdeconv needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.12"; exit 1; }
	@echo "Installing into $(VENV) (TensorFlow is large: a few minutes on a slow connection) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --upgrade pip
	$(BIN)/python -m pip install --progress-bar on --constraint constraints.txt --build-constraint constraints.txt --editable '.[all]' --group dev --group docs
	@touch $@

# PyTorch and the runtimes that tests of td.convert and td.export_portable need, and Ray; skipped where missing.
$(CONVERT): $(STAMP)
	$(BIN)/python -m pip install --progress-bar on --constraint constraints.txt --group convert --group portable --group cluster
	@touch $@

demo: $(STAMP)
	$(BIN)/tfdeconv demo

# A process for each of two cores; the tests of one file stay in one, since they share models and servers.
PARALLEL := -n 2 --dist loadfile
test: $(STAMP)
	$(BIN)/python -m pytest $(PARALLEL)

# Tests with branch coverage, in the processes that tests start too; fails below the floor. The floor follows
# what is reached, a little below it.
COVERAGE_FLOOR := 92
coverage: $(STAMP)
	rm -rf build/coverage
	$(BIN)/coverage run -m pytest $(PARALLEL)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=$(COVERAGE_FLOOR)

# Two seconds: do imports still run one way?
architecture: $(STAMP)
	$(BIN)/python -m pytest -q tests/test_architecture.py -k "not import_is_light and not needs_no_extra and not without"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

# The site, into site/. NO_MKDOCS_2_WARNING silences a notice of the theme that is not about this site.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The tests of the web pages run in Chromium and Node.js and are skipped, with the reason, where they are missing;
# with TFDECONV_REQUIRE_ALL=1, as in .ci/run, nothing is skipped that this and `make check` install.
browser:
	@{ command -v chromium && command -v node; } >/dev/null || ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ] || \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium nodejs >/dev/null; }
	@command -v chromium || echo "Chromium is not here: the tests of the web pages will be skipped."
	@command -v node || echo "Node.js is not here: the tests of the pages' arithmetic will be skipped."

check: $(CONVERT) browser lint types coverage docs

# Matplotlib draws the charts; PyTorch, ONNX Runtime and OpenCV take part where they are installed.
bench: $(STAMP)
	$(BIN)/python benchmarks/layers.py --quick
	$(BIN)/python benchmarks/bilinear.py --quick
	$(BIN)/python benchmarks/models.py --quick
	$(BIN)/python benchmarks/scaling.py --largest 1

# New pins, from what the registry offers today; PyTorch's stays, since its platforms have builds of their own.
pins:
	$(PYTHON) -m venv build/pins
	grep '^torch==' constraints.txt > build/torch.txt
	build/pins/bin/python -m pip install --quiet --upgrade pip
	build/pins/bin/python -m pip install --quiet --constraint build/torch.txt '.[all]' --group dev --group docs --group bench
	{ head -1 constraints.txt; build/pins/bin/python -m pip freeze --exclude tfdeconv | LC_ALL=C sort -f; } > build/pins.txt
	mv build/pins.txt constraints.txt

clean:
	rm -rf $(VENV) build dist site
