"""The report of a run: one page that a person wants to look at, drawn from the run's files."""

from pipeline.publish.report.build import write_report

__all__ = ["write_report"]
