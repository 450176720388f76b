# What people run. `make demo` needs Python 3.11+ and make, nothing else.

VENV := .venv
# By its full path in the checkout and never by an activated one's: the same for everybody.
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet --quiet --no-input
# The system's first: distributions build Python with profile-guided optimisation, most version managers do not,
# and that is a fifth of every run. One that cannot make a virtual environment is passed over.
PYTHON ?= $(shell for name in /usr/bin/python3.11 python3.11 python3 python3.12 python3.13 python3.14 python; do \
	$$name -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
# Otherwise each of the many short processes of a demo or a test run compiles all of Django anew.
export PYTHONDONTWRITEBYTECODE :=
PYTEST_ARGS ?= -n auto --dist worksteal
# Checks load the settings; nothing is started for them and nothing is reached.
CHECKED := env -u SENTRY_DSN DEBUG=false DATABASE_URL=postgres://checks@127.0.0.1:9/checks REDIS_URL=redis://127.0.0.1:9/0 \
	SECRET_KEY=only-for-checks-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG CREDENTIAL_KEYS=b25seS1mb3ItY2hlY2tzLTAxMjM0NTY3ODlhYmNkZWY= \
	ALLOWED_HOSTS=leadmagicx.invalid INSECURE_LOCAL_HTTP=false

LOCK := $(PY) -m uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --python-version 3.11

.PHONY: help demo install install-dev test late stories nightly mutants bench check lint lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: install  ## run everything on this machine, filled in (PORT, DEMO_DIR; Ctrl-C stops it)
	@$(PY) -m leadmagicx.embedded.demo

install: $(VENV)/.base  ## what the product needs, into .venv

install-dev: $(VENV)/.dev  ## what tests and checks need as well

test: install-dev  ## the suite, in the time one waits for it
	@$(PY) -m tests.chromium
	$(PY) -m pytest $(PYTEST_ARGS)

late: install-dev  ## the long tests that `make test` leaves to CI
	@$(PY) -m tests.chromium
	LATE=1 $(PY) -m pytest $(PYTEST_ARGS)

stories: install-dev  ## 2,000 random stories of 30 steps
	NIGHTLY=1 $(PY) -m pytest tests/stories/test_stories.py $(PYTEST_ARGS)

nightly: install-dev  ## the suite with everything that takes turns by day, stories included
	@$(PY) -m tests.chromium
	NIGHTLY=1 $(PY) -m pytest $(PYTEST_ARGS)

mutants: install-dev  ## change the sync rules line by line; the tests must notice
	@$(PY) -m tests.mutants

bench: install-dev  ## the benchmarks, as tables
	@$(PY) -m bench

check: lint test late  ## everything that CI asks

lint: install-dev  ## everything that CI asks, but for the tests
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(CHECKED) $(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(CHECKED) $(PY) -W "ignore:Got an error checking" manage.py makemigrations --check --dry-run
	$(CHECKED) $(PY) manage.py check --deploy --fail-level WARNING

lock: install-dev  ## pin the newest versions that requirements/*.in allow
	$(PIP) install uv
	$(LOCK) requirements/base.in -o requirements/base.txt
	$(LOCK) requirements/dev.in -c requirements/base.txt -o requirements/dev.txt

clean:  ## forget .venv and caches; demos stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles

# A stamp for each list: made again when the list changes, untouched otherwise.
$(VENV)/.base: requirements/base.txt | $(VENV)/bin/pip
	@echo "Installing what the product needs into $(VENV) …"
	@$(PIP) install --no-compile --no-deps --require-hashes -r requirements/base.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@echo "Installing what tests and checks need into $(VENV) …"
	@$(PIP) install --no-compile --no-deps --require-hashes -r requirements/dev.txt
	@$(PY) -m compileall -q -j 0 $(VENV)/lib
	@touch $@

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { { echo "LeadMagicX needs Python 3.11 or newer with its module venv. Install it, or name it: make PYTHON=/path/to/python3"; \
		echo "On Debian and Ubuntu: apt-get install python3-venv"; } >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }
