PYTHON ?= python3
CONFIG ?= configs/quickstart.yaml
RUN := .venv/bin

# The environment is ours to write to: without bytecode each start of vLLM compiles its imports again, half of its time.
unexport PYTHONDONTWRITEBYTECODE

# What starts an engine, a server or a browser, or takes long, is marked (pyproject.toml); `make check` leaves it out.
FAST := not model and not server and not browser and not slow

.PHONY: setup config-setup check-setup test-setup faults-setup science cluster curate train loop check test faults readers peers lint bench serve requirements clean

setup:            ## make .venv, install what is missing
	@$(PYTHON) scripts/setup.py

config-setup:     ## and what CONFIG needs beside it: bubblewrap and g++ for code problems
	@$(PYTHON) scripts/setup.py --config $(CONFIG)

check-setup:
	@$(PYTHON) scripts/setup.py code

test-setup:
	@$(PYTHON) scripts/setup.py test cluster

faults-setup:
	@$(PYTHON) scripts/setup.py faults

science:          ## and scipy and sympy for the programs of code problems
	@$(PYTHON) scripts/setup.py code science

cluster:          ## and what runs beyond one machine need: Ray, S3
	@$(PYTHON) scripts/setup.py cluster

curate: config-setup ## the main job: CONFIG=... for another one
	@$(RUN)/goldilocks curate $(CONFIG)

train: curate     ## train the grader on what `make curate` kept
	@$(RUN)/goldilocks train $(CONFIG)

loop: config-setup ## curate, train the grader, grade everything again
	@$(RUN)/goldilocks loop $(CONFIG)

check: check-setup lint ## lint and every test that starts no engine, server or browser
	@HYPOTHESIS_PROFILE=check $(RUN)/python -m pytest -n 2 --dist worksteal -m "$(FAST)"

test: test-setup  ## all tests, in two processes: each waits for engines and servers most of its time
	@$(RUN)/python -m pytest -n 2 --dist loadfile

faults: faults-setup ## the fault suite in its long form, with new random moments
	@FAULTS=long $(RUN)/python -m pytest tests/faults -s

readers: check-setup ## have verl, OpenRLHF and verifiers, installed below build/, read their exports
	@$(RUN)/python scripts/readers.py build/readers

lint: setup       ## ruff and mypy
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy

bench: check-setup ## every figure in the docs, beside its peers, into bench-results/
	@PEERS="$(wildcard build/peers/bin/python)" $(RUN)/python -m benchmarks

peers: setup      ## install, below build/, the peers that need an environment of their own; `make bench` has them then
	@$(RUN)/python scripts/peers.py build/peers

serve: config-setup ## the scheduled flow, from this process
	@$(RUN)/goldilocks serve $(CONFIG)

requirements: setup  ## pin what pyproject.toml asks for; what is pinned stays but for UPGRADE="NAME ..."
	@$(RUN)/python scripts/pin.py $(foreach name,$(UPGRADE),--upgrade $(name))

clean:            ## the environment and caches; runs/ stays
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis bench-results *.egg-info
