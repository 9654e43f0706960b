"""Ingest: rows from files, the Hub or reasoning_gym become problems of the contract; only what is new is taken."""
