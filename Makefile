# `make demo`: the whole journey on the packaged posts. `make test`: every check. Both set everything up themselves.
# TORCH_ARGS passes further options to pip, for instance an index with another build of torch.
PYTHON ?= python3
TORCH_ARGS ?=
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(TORCH_ARGS)

.PHONY: demo test test-slow lint clean

demo: .venv/installed
	.venv/bin/classifine demo

# one process a core, one thread a process: spinning threads of several processes would stand in each other's way
test: .venv/installed-dev lint
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n auto

test-slow: .venv/installed-dev
	.venv/bin/python -m pytest -m "slow or kill or browser or floor"

lint: .venv/installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "classifine needs Python 3.11 or newer; $(PYTHON) is older. Say which: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e .
	touch $@

.venv/installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e ".[dev]"
	touch $@ .venv/installed

clean:
	rm -rf .venv demo-run build dist
