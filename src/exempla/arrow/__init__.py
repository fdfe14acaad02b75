"""Examples as Arrow columns: `columns.py` from JSON to Arrow, `rows.py` from Arrow to JSON.

`values.py` reads the values for `rows.py`. `docs/arrow.md` has the table of types.
"""
