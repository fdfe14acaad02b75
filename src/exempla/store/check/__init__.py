"""Check that a database is sound: what the engine knows, and every rule of what is stored.

`engine.py` asks the database itself, `names.py` looks at everything but the content of datasets,
`content.py` and `history.py` at that of one. Each yields a `Violation` for each rule that it finds
broken, and reads what grows with the data as a stream.
"""

from __future__ import annotations

from exempla.store.check.datasets import Subject, check_dataset, subjects
from exempla.store.check.engine import check_engine
from exempla.store.check.names import check_names
from exempla.store.check.violations import Violation

__all__ = [
    "Subject",
    "Violation",
    "check_dataset",
    "check_engine",
    "check_names",
    "subjects",
]
