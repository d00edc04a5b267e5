# Needs python3 (3.11 or newer), make and git; everything else is installed into .venv.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help install demo demo-aws dev test test-slow lint typecheck bench bench-months docs clean

help: ## List what you can make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[32m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Install everything into .venv, pinned by constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[dev]'; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	fi
	@touch $@

demo: $(STAMP) ## Build the lake from a synthetic shop and show what is in it; again: refresh it
	@$(BIN)/shopease demo

demo-aws: $(STAMP) ## The same on S3, Glue and SNS, played by a moto server on this machine
	@$(BIN)/shopease demo --aws

dev: $(STAMP) ## Dagster UI on http://127.0.0.1:3000, over the demo's lake
	@$(BIN)/shopease dev

test: $(STAMP) ## The whole test suite
	@$(PYTEST) -n 2 --dist loadfile -m 'not slow'

test-slow: $(STAMP) ## The suites that take minutes: crashes at random moments, big ranges, every model on Spark
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[spark]'
	@$(PYTEST) -m slow

lint: $(STAMP) ## Formatting, lint, layers, SQL
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --config setup.cfg
	@$(BIN)/sqlfluff lint shopease_assets/gold shopease_assets/queries --disable-progress-bar
	@$(BIN)/shopease docs --check

typecheck: $(STAMP) ## mypy, strict
	@$(BIN)/mypy

bench: $(STAMP) ## Ratios against a raw COPY, a naive pipeline and the source database
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@$(BIN)/python -m benchmarks

bench-months: $(STAMP) ## What a month's state costs per table, with 150,000 and with 1,500,000 order items
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@$(BIN)/python -m benchmarks.months

docs: $(STAMP) ## Rewrite the data dictionary, docs/catalog
	@$(BIN)/shopease docs

clean: ## Stop the demo's server; delete its lake and source (.shopease)
	@test ! -x $(BIN)/shopease || $(BIN)/shopease source stop
	@rm -rf .shopease
