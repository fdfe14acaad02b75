"""The system's Chromium, which the tests of the pages need.

Without one these tests are left out, and the end of the run says so; with `EXEMPLA_NEED_CHROMIUM`
set, as CI has it, they fail instead.
"""

from __future__ import annotations

import os
import shutil

HOW_TO_GET_IT = (
    "there is no Chromium: install it, as with `apt-get install chromium`, so that the pages "
    "are tested in a browser"
)

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Return the path of the browser; None if there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def is_needed() -> bool:
    """Tell whether tests must fail without it."""
    return bool(os.environ.get("EXEMPLA_NEED_CHROMIUM"))
