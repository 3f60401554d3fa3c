# Everything anyone types. `make` alone lists it. GNU make, nothing newer than 3.81.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin
TOOLS := .make

.DEFAULT_GOAL := help
.PHONY: help run test soak attack mutations lint fmt schema messages screenshots bench autobahn audit lock

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

run: .venv/run.stamp ## start a development server on HOST (127.0.0.1) and PORT (8000)
	@$(BIN)/python manage.py migrate --verbosity 0
	@echo "Sarangbang: http://$(HOST):$(PORT)/  (Ctrl-C stops it)"
	@$(BIN)/python manage.py runserver $(HOST):$(PORT)

# These mostly wait, so the second core has the others meanwhile.
WAITING = $(wildcard tests/test_faults*.py) tests/test_console.py tests/test_deploy.py tests/test_installation.py \
	tests/test_outer_wall.py tests/test_server.py

test: .venv/test.stamp ## run all checks; installs missing programs, or prints what to install
	@.ci/system-packages
	@$(MAKE) --no-print-directory lint
	node --test --test-reporter=spec tests/js/*.test.mjs
	@echo "$(WAITING): in the background, shown at the end"
	@$(BIN)/python -m pytest $(WAITING) > $(TOOLS)/waiting.log 2>&1 & waiting=$$!; trap "kill $$waiting" INT TERM; \
	$(BIN)/python -m pytest $(addprefix --ignore=,$(WAITING)); others=$$?; \
	wait $$waiting; waited=$$?; cat $(TOOLS)/waiting.log; exit $$((others | waited))

soak: .venv/test.stamp ## run 10,000 simulated and fifty real schedules of random faults; SEEDS=200 FIRST=51 for other real ones, STORES=1 hurts Redis too; then measure 100,000 idle rooms
	@.ci/system-packages
	$(BIN)/python -m tests.world --seeds 1-10000
	$(BIN)/python -m tests.differential --seeds 2000
	$(BIN)/python -m tests.faults $(or $(SEEDS),50) --first $(or $(FIRST),1) $(if $(STORES),--stores)
	$(BIN)/python -m tests.idle 100000 --workers 3

# ONLY=pings,lists measures some of the attacks; SECONDS_EACH=10 is shorter.
attack: .venv/test.stamp ## measure what each attack on a server does to honest people (eight minutes); fails where it is much
	@.ci/system-packages
	$(BIN)/python -m tests.attack $(if $(ONLY),--only $(ONLY)) $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH))

mutations: .venv/test.stamp ## plant faults into the live stores and show which test catches each (a quarter of an hour)
	@.ci/system-packages
	$(BIN)/python -m tests.mutations

lint: .venv/test.stamp $(TOOLS)/frames.d.ts ## check style, types (of the scripts too), and forgotten migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	tests/js/node_modules/.bin/tsc -p tests/js
	tests/js/node_modules/.bin/tsc -p tests/js/tests.tsconfig.json
	$(BIN)/python manage.py makemigrations --check

fmt: .venv/test.stamp ## format the Python files
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: .venv/run.stamp ## write docs/asyncapi.json from the messages in rooms/protocol.py
	$(BIN)/python manage.py asyncapi > docs/asyncapi.json

LOCALES = $(shell $(BIN)/python -c 'from chatsite.settings import LANGUAGES; from django.utils.translation import to_locale; \
	print(*("-l " + to_locale(code) for code, _ in LANGUAGES))')
MAKEMESSAGES = $(BIN)/django-admin makemessages $(LOCALES) --ignore .venv --ignore tests --ignore bench \
	--no-obsolete --no-wrap --add-location file

# Without the headers that change with the hour: a catalogue is new only when a text is.
messages: .venv/test.stamp ## collect the pages' texts for translation, and compile the catalogues
	@.ci/system-packages
	$(MAKEMESSAGES)
	$(MAKEMESSAGES) -d djangojs
	@sed -i.old -e '/^"POT-Creation-Date:/d' -e '/^"Report-Msgid-Bugs-To:/d' locale/*/LC_MESSAGES/*.po
	@rm locale/*/LC_MESSAGES/*.po.old
	$(BIN)/django-admin compilemessages --ignore .venv

screenshots: .venv/test.stamp ## photograph the pages into screenshots/; README=1 renews docs/images too
	@.ci/system-packages
	$(BIN)/python -m tests.screenshots screenshots $(if $(README),--readme)

bench: .venv/run.stamp $(TOOLS)/peers.stamp ## measure next to other servers, write docs/performance.md (half an hour; QUICK=1 measures a part)
	$(BIN)/python -m bench

autobahn: .venv/test.stamp $(TOOLS)/autobahn/bin/wstest ## run the Autobahn test suite on both frame parsers; needs PYTHON2=python2.7
	$(BIN)/python -m tests.autobahn $(TOOLS)/autobahn/bin/wstest --folder $(TOOLS)/autobahn/reports

audit: $(TOOLS)/pip-audit/bin/pip-audit ## ask PyPI whether a pinned package has a known vulnerability
	$< --strict --disable-pip --require-hashes -r requirements.txt
	$< --strict --disable-pip --require-hashes -r requirements-test.txt

LOCK = $< pip compile --no-config --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' --quiet $(if $(UPGRADE),--upgrade)

lock: $(TOOLS)/uv/bin/uv ## pin the requirements again; UPGRADE=1 takes the newest versions
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-test.in -o requirements-test.txt

# A stamp is as new as the requirements that were installed last.
.venv/run.stamp: requirements.txt | $(BIN)/python
	@echo "Installing $< into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	@touch $@

.venv/test.stamp: requirements-test.txt | $(BIN)/python
	@echo "Installing $< into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	@touch $@

$(TOOLS)/peers.stamp: bench/peers/package-lock.json
	@.ci/system-packages
	@echo "Installing $< into bench/peers/node_modules"
	@npm ci --prefer-offline --prefix bench/peers --silent --no-audit --no-fund
	@mkdir -p $(TOOLS) && touch $@

$(TOOLS)/js.stamp: tests/js/package-lock.json
	@.ci/system-packages
	@echo "Installing $< into tests/js/node_modules"
	@npm ci --prefer-offline --prefix tests/js --silent --no-audit --no-fund
	@mkdir -p $(TOOLS) && touch $@

# The types of the messages, for the scripts and their tests.
$(TOOLS)/frames.d.ts: docs/asyncapi.json tests/js/frames.mjs $(TOOLS)/js.stamp
	@node tests/js/frames.mjs > $@.new && mv $@.new $@

# The suite is a program for Python 2.7; virtualenv 20.21 is the last that makes environments for it.
PYTHON2 ?= $(shell for p in python2.7 $(HOME)/.pyenv/versions/2.7*/bin/python; do "$$p" -c '' 2>&- && echo "$$p" && break; done)

$(TOOLS)/autobahn/bin/wstest:
	@$(or $(PYTHON2),false) -c '' || { echo "The Autobahn test-suite needs Python 2.7: make autobahn PYTHON2=/where/it/is"; exit 1; }
	@echo "Installing autobahntestsuite into $(TOOLS)/autobahn"
	@$(PYTHON) -m venv $(TOOLS)/virtualenv
	@$(TOOLS)/virtualenv/bin/pip install --disable-pip-version-check --quiet 'virtualenv==20.21.1' 'setuptools<81'
	@$(TOOLS)/virtualenv/bin/virtualenv --quiet --python $(PYTHON2) $(TOOLS)/autobahn
	@$(TOOLS)/autobahn/bin/pip install --disable-pip-version-check --quiet --no-python-version-warning autobahntestsuite==25.10.1

# Tools that are no part of the program live apart from it, so that they cannot change what it runs on.
$(TOOLS)/uv/bin/uv $(TOOLS)/pip-audit/bin/pip-audit:
	@$(PYTHON) -m venv $(TOOLS)/$(notdir $@)
	@$(TOOLS)/$(notdir $@)/bin/pip install --disable-pip-version-check --quiet $(notdir $@)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Sarangbang needs Python 3.11 or newer: say which one, like make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
