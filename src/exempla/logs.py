"""Logs: one line each, to standard error, as JSON or as text.

At the default level they hold no key, body, query or example text. What libraries log through
the standard library takes the same form.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog

Format = Literal["json", "text"]
Level = Literal["debug", "info", "warning", "error"]

shows_requests = False
"""Whether each request has its line, as at the level `debug`."""


def configure(format: Format = "json", level: Level = "info") -> None:
    """Set up the logs of this process."""
    global shows_requests
    shows_requests = level == "debug"
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer()
    if format == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    # Of libraries only what is wrong: their other lines may show what they work on.
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
