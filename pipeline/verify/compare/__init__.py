"""Compares two typed values."""
