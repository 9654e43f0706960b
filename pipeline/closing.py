"""What is closed at the end of its `with` block."""

from types import TracebackType
from typing import Self


class Closing:
    """A context manager by its `close`, which is called however the block ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what was begun; a second call does nothing."""
        raise NotImplementedError
