"""`python -m flows.cli`: the same as `goldilocks`."""

from flows.cli.main import main

main()
