# Everything that is built, checked and tested, in one place. `make` alone prints what there is.
#
# A machine needs Python with pip and venv, make and git; all else is installed into .venv. Paths are relative and tools
# are called as `python -m tool`, so that a folder with a space in its name works: the first line of an installed script
# cannot name an interpreter with a space in its path.

PYTHON := python3
VENV := .venv
PY := $(VENV)/bin/python
# What ruff, mypy and pyright read.
CODE := src tests tools $(wildcard benchmarks)

.DEFAULT_GOAL := help
.SHELLFLAGS := -euc
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Nothing but .venv decides what is imported, and no tool asks the network for news.
unexport PYTHONHOME PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export SPEC

.PHONY: help
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

# ---- What a user runs ----

.PHONY: bench demo fuzz mutants test test-all test-random
demo: $(VENV)/.ready ## the main job: tasks in every documented shape, checked against a local server
	$(PY) -m rodin_sdk.cli demo

# Three at once, since most tests wait for a socket or a clock. `.venv/bin/python -m pytest` runs them one by one.
PYTEST := -m pytest -n 3 --dist worksteal
test: $(VENV)/.ready ## all tests, and every branch of src/ must be covered
	$(PY) $(PYTEST) --cov

# COUNT=1000 for a short one, SEED=7 for the same one again; or REPLAY=file for one that was found.
COUNT := 1000000
fuzz: $(VENV)/.ready ## a million answers that no service should give: make fuzz COUNT=1000 SEED=7
	$(PY) tools/fuzz.py $(if $(REPLAY),--replay "$(REPLAY)",--count "$(COUNT)" $(if $(SEED),--seed "$(SEED)"))

# QUICK=1 for the small one, ONLY="one-call growth" for some of the tables, which are printed and not written down.
bench: build .venv-bench/.locked ## what a call costs beside its peers, into docs/benchmarks.md; QUICK=1 for two minutes
	.venv-bench/bin/python -m pip install -qq --no-deps --force-reinstall dist/*.whl
	.venv-bench/bin/python -m benchmarks.bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

# MODULE=_normalize for one of the modules; docs/mutants.md says more.
WORKERS := 2
mutants: .venv-mutants/.locked ## whether the tests notice code that is broken on purpose: make mutants MODULE=_normalize
	.venv-mutants/bin/python tools/mutants.py --workers "$(WORKERS)" $(MODULE)

test-all: ## the tests on each of Python 3.11, 3.12 and 3.13 that the machine has
	$(require_python)
	@MAKE="$(MAKE)" PYTEST="$(PYTEST)" "$(PYTHON)" tools/test_all.py

RUNS := 20
STRICT := $(subst -n 3,--tx "3*popen//python=$(PY) -X dev -W error",$(PYTEST))
test-random: $(VENV)/.ready ## the tests in random order, again and again, without a word on standard error: RUNS=3
	@mkdir -p .cache
	for run in $$(seq $(RUNS)); do \
		echo "Run $$run of $(RUNS)"; \
		$(PY) -X dev -W error $(STRICT) -p randomly --quiet 2>.cache/stderr || \
			{ cat .cache/stderr >&2; exit 1; }; \
		test ! -s .cache/stderr || { echo 'On standard error:'; cat .cache/stderr; exit 1; } >&2; \
	done

# ---- What holds the house together ----

CHECKS := check-format check-lint check-mypy check-pyright check-imports check-generated check-openapi check-tree \
	check-package check-wheel

.PHONY: check $(CHECKS) format
check: $(CHECKS) ## all checks but the tests; each is a target of its own, see the Makefile

check-format: $(VENV)/.ready
	$(PY) -m ruff format --check .

check-lint: $(VENV)/.ready
	$(PY) -m ruff check .

check-mypy: $(VENV)/.ready
	$(PY) -m mypy $(CODE)

check-pyright: $(VENV)/.ready
	$(PY) -m pyright --pythonpath $(PY) $(CODE)

check-imports: $(VENV)/.ready
	$(PY) -c "from importlinter.cli import lint_imports_command as lint; lint()" --no-logo

check-generated: $(VENV)/.ready
	$(PY) tools/generate.py --check

check-openapi: $(VENV)/.ready
	$(PY) -m openapi_spec_validator openapi/status.yaml
	$(PY) tools/lint_openapi.py

check-tree: $(VENV)/.ready
	$(PY) tools/check_tree.py

# The wheel and the sdist as such, the wheel installed alone, and a program of a stranger's that is typed against it.
check-package: $(VENV)/.ready
	$(PY) -m validate_pyproject pyproject.toml
	$(PY) -m pytest --tb=short tests/packaging

# The tests as the sdist has them, with src/ out of the way, on the wheel and the oldest versions that it says it takes.
# Those of waits that need no dependency run once, from the tree.
check-wheel: build .venv-lowest/.locked
	.venv-lowest/bin/python -m pip install -qq --no-deps --force-reinstall dist/*.whl
	rm -rf build/sdist && mkdir -p build/sdist
	tar -xzf dist/*.tar.gz -C build/sdist --strip-components 1
	rm -r build/sdist/src
	cd build/sdist && ../../.venv-lowest/bin/python $(PYTEST) tests/unit tests/testing tests/observe \
		tests/waits/test_sockets.py tests/waits/test_updates.py

format: $(VENV)/.ready ## put the code into its one format
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

# ---- What is made from something else ----

.PHONY: generate update-spec build sbom lock clean
generate: $(VENV)/.ready ## write generated/ from openapi/
	$(PY) tools/generate.py

update-spec: $(VENV)/.ready ## take in a new version of the vendor's document: make update-spec SPEC=file-or-url
	@test -n "$$SPEC" || { echo 'Which document? make update-spec SPEC=file-or-url' >&2; exit 2; }
	$(PY) tools/update_spec.py -- "$$SPEC"

# The moment that the archives' entries bear where there is no commit, as in an unpacked sdist: 2 February 2020.
NO_COMMIT := 1580601600
build: $(VENV)/.ready ## the sdist and the wheel, in dist/, the same bytes for the same commit
	rm -rf dist
	SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo $(NO_COMMIT))}" \
		$(PY) -m build --no-isolation

sbom: build ## what the wheel runs with, as CycloneDX, in dist/rodin-sdk.cdx.json
	$(PY) tools/sbom.py dist/*.whl

LOCK := $(PY) -m uv --quiet pip compile --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" pyproject.toml
lock: $(VENV)/.ready ## pin and hash the requirements for all platforms; make lock UPGRADE=--upgrade for newer ones
	$(LOCK) $(UPGRADE) --all-extras requirements/dev.in --output-file requirements/dev.txt
	$(LOCK) $(UPGRADE) --all-extras requirements/test.in --output-file requirements/lowest.txt --resolution lowest-direct
# Without the extras: where click and rich are installed, `import httpx` takes three times as long.
	$(LOCK) $(UPGRADE) requirements/bench.in --output-file requirements/bench.txt
	$(LOCK) $(UPGRADE) --all-extras requirements/mutants.in --output-file requirements/mutants.txt

clean: ## back to a fresh clone: remove what was built, all caches and all environments
	rm -rf .venv .venv-* build dist mutants .cache .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache \
		.pytest_cache .ruff_cache
	find $(wildcard benchmarks generated src tests tools) -name __pycache__ -prune -exec rm -rf {} +

# ---- The environments ----

define require_python
@"$(PYTHON)" -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "rodin-sdk needs Python 3.11 or newer, \
and $(PYTHON) is %d.%d: choose another with make PYTHON=..." % sys.version_info[:2])'
endef

# Made anew whenever the lock changes, so that an environment holds what the lock names and nothing else.
$(VENV)/.locked: requirements/dev.txt
.venv-lowest/.locked: requirements/lowest.txt
.venv-bench/.locked: requirements/bench.txt
.venv-mutants/.locked: requirements/mutants.txt
$(VENV)/.locked .venv-lowest/.locked .venv-bench/.locked .venv-mutants/.locked:
	$(require_python)
	@echo "Installing $< into $(@D), which takes half a minute"
	@"$(PYTHON)" -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install -qq --no-deps --require-hashes --requirement $<
	@touch $@

# The SDK itself, editable, and proof that the lock has all that it asks for.
$(VENV)/.ready: $(VENV)/.locked pyproject.toml src/rodin_sdk/_version.py
	@$(PY) -m pip install -qq --no-deps --no-build-isolation --editable .
	@$(PY) -m pip check --quiet
	@pwd -P >$@

# An editable install names its folder by its full path: in a moved or copied folder it would import the old one's code.
$(shell test "$$(cat $(VENV)/.ready 2>&1)" = "$$(pwd -P)" || rm -f $(VENV)/.ready)
