"""Examples as Arrow columns: `columns.py` from JSON to Arrow, `rows.py` from Arrow to JSON.

`docs/arrow.md` has the table of types.
"""
