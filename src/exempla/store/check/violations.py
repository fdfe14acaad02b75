"""What a check finds, and where."""

from __future__ import annotations

from typing import NamedTuple


class Violation(NamedTuple):
    """A rule that what is stored breaks."""

    fault: str
    """One sentence for a person."""
    dataset: str = ""
    """The name of the dataset that it is in; "" for none."""
    version: str = ""
    example: str = ""
    """The id of the example that it is about, or `example 7` where it has none."""

    @property
    def where(self) -> str:
        """The place, for a person; "" if it is the database as a whole."""
        parts = [self.dataset]
        parts += [f"version {self.version}"] if self.version else []
        parts += [f"example {self.example}"] if self.example else []
        return ", ".join(part for part in parts if part)
