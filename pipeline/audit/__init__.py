"""How far a run can be trusted: defects planted into a copy of its own kept problems, and the share that it catches."""

from pipeline.audit.run import audit_run, describe_audit

__all__ = ["audit_run", "describe_audit"]
