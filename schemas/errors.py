"""Errors that the user can fix."""


class InputError(ValueError):
    """Bad input: the message says what is wrong, where (file, row, column) and how to fix it. Never retried."""
