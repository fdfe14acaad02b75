"""Commands that work on the database itself, beside a running server or without one.

`support.py` is what they share; `cli.py` puts them together.
"""
