"""What every handler can reach."""

from __future__ import annotations

import asyncio

from litestar import datastructures

from exempla.store.database import Database


class State(datastructures.State):
    """The state of the application, a parameter of its handlers."""

    database: Database
    purge_wanted: asyncio.Event
    """Set when a dataset was deleted and its rows wait to be removed."""
