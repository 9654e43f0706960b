PYTHON ?= python3
CONFIG ?= configs/quickstart.yaml
RUN := .venv/bin

.PHONY: setup cluster curate train loop test faults readers peers lint bench serve requirements clean

setup:            ## make .venv, install what is missing
	@$(PYTHON) scripts/setup.py

cluster: setup    ## and what runs beyond one machine need: Ray, S3
	@$(PYTHON) scripts/setup.py cluster

curate: setup     ## the main job: CONFIG=... for another one
	@$(RUN)/goldilocks curate $(CONFIG)

train: curate     ## train the grader on what `make curate` kept
	@$(RUN)/goldilocks train $(CONFIG)

loop: setup       ## curate, train the grader, grade everything again
	@$(RUN)/goldilocks loop $(CONFIG)

test: cluster     ## all tests, in two processes: each waits for engines and servers most of its time
	@$(RUN)/python -m pytest -n 2 --dist loadfile

faults: setup     ## the fault suite in its long form, with new random moments
	@FAULTS=long $(RUN)/python -m pytest tests/faults -s

readers: setup    ## have verl, OpenRLHF and verifiers, installed below build/, read their exports
	@$(RUN)/python scripts/readers.py build/readers

lint: setup       ## ruff and mypy
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy

bench: setup      ## every figure in the docs, beside its peers, into bench-results/
	@PEERS="$(wildcard build/peers/bin/python)" $(RUN)/python -m benchmarks

peers: setup      ## install, below build/, the peers that need an environment of their own; `make bench` has them then
	@$(RUN)/python scripts/peers.py build/peers

serve: setup      ## the scheduled flow, from this process
	@$(RUN)/goldilocks serve $(CONFIG)

requirements: setup  ## pin again what pyproject.toml asks for
	@$(RUN)/python scripts/pin.py

clean:            ## the environment and caches; runs/ stays
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis bench-results *.egg-info
