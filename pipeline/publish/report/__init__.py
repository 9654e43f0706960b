"""The report of a run: one page that a person wants to look at, drawn from the run's files by `build.write_report`."""
