"""The REST API: one module per resource.

A handler parses and authorizes, calls one function of the store, and renders what it returns.
`app.py` puts the resources together; `body.py`, `auth.py`, `pages.py`, `fields.py`, `writing.py`
and `problems.py` are what they share. `v1/` are those that AX does not have.
"""
