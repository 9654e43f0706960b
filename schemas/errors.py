"""What the user can mend."""


class InputError(ValueError):
    """Bad input: the message says what is wrong, where (file, row, column) and how to mend it. Never retried."""
