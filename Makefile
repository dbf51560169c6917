# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OFFLINE := -n auto --dist loadfile -m 'not documents and not package and not live and not job'

.DEFAULT_GOAL := help
.PHONY: help venv spec generate regenerate regeneration-job api-diff docs check-generated demo lint types test test-offline test-one coverage test-lowest mutation test-live compat test-documents test-package test-job dist bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(READY)  ## a virtual environment in .venv with everything that the other targets need
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

spec: $(READY)  ## pull /doc into openapi.json: from OPENCODE_URL, else from OPENCODE_VERSION got from npm (default: the document's)
	$(BIN)/python -m scripts.fetch_spec

generate: $(READY)  ## rebuild the generated rooms, offline; SPEC=<file> OUT=<folder> for another document
	$(BIN)/python -m scripts.generate $(if $(SPEC),--spec '$(SPEC)') $(if $(OUT),--out '$(OUT)')

regenerate: $(READY)  ## spec, generate and docs, then what changed since the last commit; CHECK=1 fails if anything did
	$(BIN)/python -m scripts.regenerate

regeneration-job: $(READY)  ## regenerate, test and make the patch to propose, from OPENCODE_URL or OPENCODE_VERSION
	$(BIN)/python -m scripts.regeneration_job

api-diff: $(READY)  ## what changed since AGAINST=<git ref> (default: HEAD), without pulling anything
	$(BIN)/python -m scripts.changes $(if $(AGAINST),'$(AGAINST)')

docs: $(READY)  ## write the API reference of openapi.json into docs/api, in Chinese and English
	$(BIN)/python scripts/gen-opencode-api-docs.py openapi.json

check-generated: $(READY)  ## fail when the committed rooms and docs/api differ from what `make generate` and `make docs` give
	$(BIN)/python -m scripts.generate --check
	$(BIN)/python scripts/gen-opencode-api-docs.py openapi.json --check

demo: $(READY)  ## the quick start against a real server with a scripted model: no key, no account
	$(BIN)/python -m scripts.demo

lint: $(READY)  ## ruff over the hand-written code; the layers of the package; the workflows' schema and safety
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet --no-progress --persona auditor .github/workflows

types: $(READY)  ## mypy --strict and pyright strict, generated code included
	$(BIN)/mypy
	$(BIN)/basedpyright

test: test-offline test-live  ## the offline suite, and the live suite where npm is there

test-offline: $(READY)  ## the offline suite alone, on all cores
	$(BIN)/pytest $(OFFLINE)

test-one: $(READY)  ## some tests, in one process and with their output: T=tests/calls/test_client.py or T='tests/calls -k retry'
	$(BIN)/pytest --capture=no --verbose $(if $(T),$(T),$(error Name the tests: make test-one T=tests/calls/test_client.py))

coverage: $(READY)  ## the offline suite, with the branches of the hand-written package that it does not reach; under 97 % fails
	$(BIN)/pytest $(OFFLINE) --cov

test-lowest: pyproject.toml  ## the offline suite with the oldest dependencies that pyproject.toml admits, in an environment of its own
	$(PYTHON) -m venv build/lowest
	build/lowest/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/lowest/bin/python -m pip install --quiet --editable . --group dev $$($(PYTHON) -m scripts.lowest)
	build/lowest/bin/python -m pytest $(OFFLINE)

mutation: pyproject.toml  ## mutation tests of four groups of modules, or of GROUP=frames; fails if a group kills under 80 %
	$(PYTHON) -m venv build/mutation
	build/mutation/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/mutation/bin/python -m pip install --quiet --editable . --group dev --group mutation
	build/mutation/bin/python -m scripts.mutation $(GROUP)

test-live: $(READY)  ## the live suite alone: real servers from npm
	$(BIN)/pytest -m live

compat: $(READY)  ## this client against servers of seven versions, or of VERSIONS="1.1.65 latest"; WRITE=1 writes the table
	$(BIN)/python -m tests.live.compat $(if $(WRITE),--write) $(VERSIONS)

test-documents: $(READY)  ## generate and type-check packages from all seven committed documents
	$(BIN)/pytest -m documents

test-package: $(READY)  ## build the wheel and use it in a clean environment
	$(BIN)/pytest -m package

test-job: $(READY)  ## run the regeneration job in a copy of this project, from an old state to newer servers
	$(BIN)/pytest -m job

dist: pyproject.toml  ## build sdist and wheel into dist/, and check both
	$(PYTHON) -m venv build/packaging
	build/packaging/bin/python -m pip install --quiet build twine check-wheel-contents
	rm -rf dist
	build/packaging/bin/python -m build --outdir dist .
	build/packaging/bin/twine check --strict dist/*
	build/packaging/bin/check-wheel-contents dist/*.whl

bench: $(READY)  ## speed and memory as ratios, measured in one run
	$(BIN)/python -m benchmarks

clean:  ## remove what the targets made (the venv and downloaded servers too)
	rm -rf $(VENV) .cache build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
