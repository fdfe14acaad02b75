"""Times as people tell them."""

from __future__ import annotations

from markupsafe import Markup

from exempla import clock

_UNITS = [
    ("year", 365 * 86_400),
    ("month", 30 * 86_400),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
]


def ago(microseconds: int, now: int | None = None) -> Markup:
    """Return a time, in microseconds, as how long ago it was; the exact one when pointed at."""
    seconds = ((clock.now() if now is None else now) - microseconds) // clock.MICROSECONDS
    exact = clock.rfc3339(microseconds)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        exact, exact[:19].replace("T", " "), _told(seconds)
    )


def _told(seconds: int) -> str:
    for name, size in _UNITS:
        if (number := abs(seconds) // size) >= 1:
            told = f"{number} {name}{'s' if number > 1 else ''}"
            return f"{told} ago" if seconds > 0 else f"in {told}"
    return "just now"
