"""Verification: is this completion's answer right, and what is it worth? One verifier for curation and training."""
