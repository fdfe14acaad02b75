"""Remove the rows of deleted datasets, and answers that are too old, in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from exempla.store.database import Database
from exempla.store.purge import purge_all

AGAIN_AFTER_S = 10
"""How long to wait after the database could not purge."""

EVERY_S = 3_600
"""How long to wait for a deletion before looking for what grew too old."""

_log = structlog.get_logger(__name__)


class Purger:
    """Purges when the application starts, for what an earlier run left, when woken, and hourly."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Say that a dataset was deleted."""
        self._wanted.set()

    @asynccontextmanager
    async def running(self, _: object) -> AsyncIterator[None]:
        """Purge while the application runs."""
        self.wake()
        task = asyncio.create_task(self._run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), EVERY_S)
            self._wanted.clear()
            try:
                await purge_all(self._database)
            except Exception as error:
                _log.warning("purge put off", exc_info=error)
                await asyncio.sleep(AGAIN_AFTER_S)
                self._wanted.set()
