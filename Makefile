# Every target is one command; what it does is written in Python. Works with GNU make 3.81 (macOS) and newer.

PYTHON = python3
BIN = .venv/bin
PORT = 7601
DATA = data
T =
ARGS =
SOURCES = shared/src services/auth/src services/api/src services/relay/src services/vpn-registry/src services/standalone/src
HERE = -m "not postgres and not rabbitmq and not haproxy and not clients and not slow"

.DEFAULT_GOAL := help

##@ Start here

.PHONY: help
help: ## Show this list
	@$(PYTHON) scripts/make_help.py

.PHONY: run
run: setup-runtime ## Run all of Sextant in one process (PORT=7601 DATA=folder)
	@$(BIN)/sextant run --port $(PORT) --data $(DATA)

.PHONY: demo
demo: setup-runtime ## Run a federated average over three simulated stations
	@$(BIN)/sextant demo

##@ Test

.PHONY: test
test: setup ## Run all tests (T=path narrows)
	@$(BIN)/pytest $(T) $(ARGS)

.PHONY: test-unit
test-unit: setup ## Run the tests that need no server and no official client (T=path narrows)
	@$(BIN)/pytest $(HERE) $(T) $(ARGS)

.PHONY: test-faults
test-faults: setup ## Break a whole suite in every way there is a promise for, in about ten minutes (T=path narrows)
	@SEXTANT_FAULTS=long $(BIN)/pytest $(or $(T),tests/faults) $(ARGS)

.PHONY: bench
bench: setup ## Measure the paths that matter, print a table and write JSON
	@$(BIN)/python -m bench $(ARGS)

##@ Change

.PHONY: setup
setup: ## Make .venv with all that developing takes
	@$(PYTHON) scripts/setup_venv.py dev

.PHONY: setup-runtime
setup-runtime: ## Make .venv with what the services need
	@$(PYTHON) scripts/setup_venv.py runtime

.PHONY: setup-clients
setup-clients: ## Make .venv-clients with the official vantage6 client
	@$(PYTHON) scripts/setup_venv.py clients

.PHONY: lint
lint: lint-style lint-format lint-types lint-imports ## Check style, format, types and who imports whom

.PHONY: lint-style
lint-style: setup
	$(BIN)/ruff check

.PHONY: lint-format
lint-format: setup
	$(BIN)/ruff format --check

.PHONY: lint-types
lint-types: setup
	$(BIN)/mypy $(SOURCES) scripts bench

.PHONY: lint-imports
lint-imports: setup
	$(BIN)/lint-imports

.PHONY: format
format: setup ## Format the code and repair what can be repaired
	@$(BIN)/python scripts/format.py

.PHONY: lock
lock: setup ## Write requirements/*.txt anew (ARGS=--upgrade for newer versions)
	@$(BIN)/python scripts/lock.py $(ARGS)

.PHONY: openapi
openapi: setup ## Write each service's openapi.json anew
	@$(BIN)/python scripts/openapi.py

.PHONY: asyncapi
asyncapi: setup ## Write docs/asyncapi.json anew
	@$(BIN)/python scripts/asyncapi.py

.PHONY: clean
clean: ## Remove the environments and caches, but no data
	@$(PYTHON) scripts/clean.py

##@ Compose

.PHONY: secrets
secrets: ## Make the secrets of the production stack, keep those that are there
	@$(PYTHON) scripts/make_secrets.py

.PHONY: up
up: secrets ## Build and start the production stack
	@docker compose up --build --detach --wait

.PHONY: down
down: ## Stop the production stack, keep its data
	@docker compose down

.PHONY: logs
logs: ## Follow the logs of the production stack
	@docker compose logs --follow --tail=100
