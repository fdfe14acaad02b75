"""The store: versioned datasets in SQLite or PostgreSQL. It knows nothing of HTTP.

- `database.py` owns the connections, `pools.py` has their threads; `engines.py` is what differs
  between the two; `transaction.py` is what the functions of the store work with.
- `tables.py` is the schema; `migrations/` makes it.
- One module per aggregate, of plain functions that take a running `Transaction` first:
  `organizations`, `spaces`, `datasets`, `versions`, `examples`, `annotations`, `tags`, `keys`.
- `diff.py`, `history.py` and `digests.py` read what the versions and the `writes` tell.
- `digesting.py` computes digests for those who ask, and `verify.py` checks them.
- `revisions.py` reads the temporal table under `versions` and `examples`, `revising.py` writes it;
  they are the only modules that know `valid_from` and `valid_to`.
"""
