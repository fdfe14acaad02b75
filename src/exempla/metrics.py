"""What this process counts and times, for Prometheus to read at `/metrics`.

Labels have few values, all of our own: routes by their template, never what a client sent. So the
numbers tell nothing of what is in the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from exempla import __version__

shown = False
"""Whether `/metrics` is there; if not, what each request would add is left out."""

CONTENT_TYPE = CONTENT_TYPE_PLAIN_1_0_0

_LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

_REQUESTS = Histogram(
    "exempla_http_request_duration_seconds",
    "Requests by route, method and status; the route is empty where none is known.",
    ("route", "method", "status"),
    buckets=_LATENCIES,
)
_DATABASE = Histogram(
    "exempla_database_wait_seconds",
    "How long work on the database waited for a connection.",
    ("pool",),
    buckets=_LATENCIES,
)
_WAITING = Gauge(
    "exempla_database_waiting", "Work that waits for a connection to the database now.", ("pool",)
)
COMMITS = Histogram(
    "exempla_database_commit_writes",
    "Writes that shared one commit, and so one sync of the disk.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
STREAMS = Gauge("exempla_flight_streams", "Arrow Flight streams that run now.", ("method",))
CALLS = Counter("exempla_flight_calls", "Arrow Flight calls that ended.", ("method", "status"))
ROWS = Counter("exempla_flight_rows", "Rows that went over Arrow Flight.", ("method",))
_INFO = Gauge("exempla_build_info", "The release that runs.", ("version",))
_INFO.labels(__version__).set(1)


def show() -> None:
    """Let `/metrics` be there; called before the server starts."""
    global shown
    shown = True


def request(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request, and how long it took."""
    _request(route, method if method in _METHODS else "other", status).observe(seconds)


@lru_cache(4_096)  # `labels` takes longer than all else
def _request(route: str, method: str, status: int) -> Histogram:
    return _REQUESTS.labels(route, method, str(status))


@lru_cache
def waits(pool: str) -> Histogram:
    """Return what to tell how long work waited for this pool of connections."""
    return _DATABASE.labels(pool)


def render(waiting: Mapping[str, int]) -> bytes:
    """Return all of it as text; `waiting` is the work that waits now, by pool."""
    for pool, count in waiting.items():
        _WAITING.labels(pool).set(count)
    return generate_latest()
