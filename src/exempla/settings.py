"""What can be set from outside: the environment `EXEMPLA_*` and the flags of the commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import msgspec
from platformdirs import user_data_dir

from exempla.errors import StartupError
from exempla.limits import MIN_KEY_LENGTH

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8787
DEFAULT_FLIGHT_PORT = 8788
DATABASE_FILE = "exempla.db"
DEFAULT_QUERY_TIMEOUT_S = 10.0

_HOST_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600}
_RATE = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour)")


def default_data_dir() -> Path:
    """Return the platform's folder for the data of a user's programs."""
    return Path(user_data_dir("exempla", appauthor=False))


class Rate(NamedTuple):
    """So many in so many seconds."""

    number: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read a rate such as `100/second`, or raise `StartupError`."""
        match = _RATE.fullmatch(text.strip())
        if not match:
            raise StartupError(
                f"--rate-limit (EXEMPLA_RATE_LIMIT) is {text!r}; write it as 100/second, "
                "6000/minute or 100000/hour"
            )
        return cls(int(match[1]), _SECONDS[match[2]])


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one server or command; `cli.py` fills them from flags and environment."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    flight_port: int | None = DEFAULT_FLIGHT_PORT
    """Where Arrow Flight listens; None: nowhere."""
    tls_cert: Path | None = None
    """A PEM file with the certificate of both servers, and those that it hangs on."""
    tls_key: Path | None = None
    """A PEM file with the certificate's private key."""
    data_dir: Path | None = None
    """The folder of the SQLite database; the platform's data folder if not given."""
    database_url: str | None = None
    """A PostgreSQL database, `postgresql://user:password@host:port/name`, instead of a folder."""
    workers: int = 1
    """Processes that answer HTTP; with more than one, Arrow Flight has a process of its own."""
    query_timeout: float = DEFAULT_QUERY_TIMEOUT_S
    """Seconds that a search, a diff, a history, a report or the columns may take."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that the server is known by, beside addresses, `localhost` and `host`."""
    rate_limit: Rate | None = None
    """Requests that one key may make; None: any number."""
    bootstrap_key: str | None = None
    """The admin key of a new database; a random one if not given."""

    def check(self) -> None:
        """Raise `StartupError` for settings that contradict each other or break a rule."""
        if self.database_url and self.data_dir:
            raise StartupError(
                "give either --data-dir (EXEMPLA_DATA_DIR) or --database-url "
                "(EXEMPLA_DATABASE_URL), not both"
            )
        if bool(self.tls_cert) != bool(self.tls_key):
            raise StartupError(
                "TLS needs both --tls-cert (EXEMPLA_TLS_CERT) and --tls-key (EXEMPLA_TLS_KEY)"
            )
        for name in self.allowed_hosts:
            if not _HOST_NAME.fullmatch(name):
                raise StartupError(
                    f"--allowed-host (EXEMPLA_ALLOWED_HOSTS, separated by spaces) is {name!r}; "
                    "give a name such as data.example.com, without a port"
                )
        if self.bootstrap_key is not None and not _is_good_key(self.bootstrap_key):
            raise StartupError(
                f"EXEMPLA_BOOTSTRAP_KEY must be at least {MIN_KEY_LENGTH} printable ASCII "
                "characters without spaces"
            )


def _is_good_key(key: str) -> bool:
    return len(key) >= MIN_KEY_LENGTH and key.isascii() and key.isprintable() and " " not in key
