"""JSON Schema 2020-12 for the fields of examples: what may be one, and what it says of an example.

A schema is checked before it is kept (`bounds.py`): it refers to nothing outside of itself, and
there is a bound on what it costs to look at an example. Numbers are compared exactly, whatever
their size (`values.py`).
"""

from exempla.schemas.compiled import Fault, Schema, compiled

__all__ = ["Fault", "Schema", "compiled"]
