"""The command `exempla`."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from exempla import __version__, clock, settings
from exempla.commands import backup, check, compact, diff, files, restore, verify
from exempla.commands.support import DatabaseUrl, DataDir, note, read, startup_errors, write
from exempla.errors import StartupError
from exempla.ids import parse_id
from exempla.limits import MAX_NAME_LENGTH
from exempla.settings import Settings

app = typer.Typer(
    help="A server for the versioned example datasets that LLM applications are evaluated on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys_app = typer.Typer(
    help="Make, list and revoke API keys, beside a running server or without one.",
    no_args_is_help=True,
)
app.add_typer(keys_app, name="keys")
app.command("diff")(diff.diff)
app.command("export")(files.export)
app.command("import")(files.import_)
app.command("verify")(verify.verify)
app.command("compact")(compact.compact)
app.command("check")(check.check)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)

Host = Annotated[str, typer.Option(envvar="EXEMPLA_HOST", help="The address to listen on.")]
Port = Annotated[
    int, typer.Option(envvar="EXEMPLA_PORT", min=0, max=65535, help="0 takes any free port.")
]
FlightPort = Annotated[
    int,
    typer.Option(
        envvar="EXEMPLA_FLIGHT_PORT",
        min=0,
        max=65535,
        help="Where Arrow Flight listens. 0 takes any free port.",
    ),
]
NoFlight = Annotated[
    bool, typer.Option("--no-flight", envvar="EXEMPLA_NO_FLIGHT", help="Serve no Arrow Flight.")
]
TlsCert = Annotated[
    Path | None,
    typer.Option(
        envvar="EXEMPLA_TLS_CERT", help="Speak TLS, with the certificate in this PEM file."
    ),
]
TlsKey = Annotated[
    Path | None,
    typer.Option(envvar="EXEMPLA_TLS_KEY", help="The PEM file of the certificate's private key."),
]
Workers = Annotated[
    int,
    typer.Option(
        envvar="EXEMPLA_WORKERS",
        min=1,
        max=64,
        help="Processes that answer HTTP; with more than one, Arrow Flight has one more.",
    ),
]
QueryTimeout = Annotated[
    float,
    typer.Option(
        envvar="EXEMPLA_QUERY_TIMEOUT",
        min=0.001,
        max=3600,
        help="Seconds that a search, a diff, a history, a report or the columns may take.",
    ),
]

AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        envvar="EXEMPLA_ALLOWED_HOSTS",
        metavar="NAME",
        help="A name that the server is known by, beside its address and localhost; repeatable.",
    ),
]
RateLimit = Annotated[
    str | None,
    typer.Option(
        envvar="EXEMPLA_RATE_LIMIT",
        help="Requests that one key may make, such as 100/second.",
        show_default="any number",
    ),
]
ShowMetrics = Annotated[
    bool,
    typer.Option(
        "--metrics", envvar="EXEMPLA_METRICS", help="Serve /metrics for Prometheus, without a key."
    ),
]
LogFormat = Annotated[
    Literal["json", "text"],
    typer.Option(envvar="EXEMPLA_LOG_FORMAT", help="How a line of the log is written."),
]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    typer.Option(envvar="EXEMPLA_LOG_LEVEL", help="The least that is logged."),
]

if TYPE_CHECKING:
    from socket import socket

    from exempla.store.database import Database
    from exempla.store.keys import ApiKey
    from exempla.tls import Tls


@app.command()
def serve(
    host: Host = settings.DEFAULT_HOST,
    port: Port = settings.DEFAULT_PORT,
    flight_port: FlightPort = settings.DEFAULT_FLIGHT_PORT,
    no_flight: NoFlight = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    workers: Workers = 1,
    query_timeout: QueryTimeout = settings.DEFAULT_QUERY_TIMEOUT_S,
    allowed_host: AllowedHosts = None,
    rate_limit: RateLimit = None,
    show_metrics: ShowMetrics = False,
    log_format: LogFormat = "json",
    log_level: LogLevel = "info",
) -> None:
    """Serve the API, and Arrow Flight beside it.

    The first start on a new database makes an organization and a space, both named Default, and
    an admin key, which is printed once; EXEMPLA_BOOTSTRAP_KEY sets that key instead.
    """
    from exempla import logs, metrics, server, tls, tracing
    from exempla.store import setup
    from exempla.store.database import Database

    with startup_errors():
        rate = settings.Rate.parse(rate_limit) if rate_limit else None
    chosen = Settings(
        host=host,
        port=port,
        flight_port=None if no_flight else flight_port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        data_dir=data_dir,
        database_url=database_url,
        workers=workers,
        query_timeout=query_timeout,
        allowed_hosts=tuple(allowed_host or ()),
        rate_limit=rate,
        bootstrap_key=os.environ.get("EXEMPLA_BOOTSTRAP_KEY") or None,  # no flag: others can see it
    )
    logs.configure(log_format, log_level)
    if show_metrics:
        metrics.show()
    with startup_errors():
        chosen.check()
        tracing.check()
        certificate = tls.load(chosen.tls_cert, chosen.tls_key)
        engine = setup.open_engine(chosen)
        listener = server.bind(chosen.host, chosen.port)
        if chosen.flight_port:  # find out before the database is made
            server.bind(chosen.host, chosen.flight_port, "--flight-port").close()
        prepared = setup.prepare(engine, chosen.bootstrap_key)
        url = server.url_of(listener, certificate)
        if prepared.secret:  # whatever happens next, it cannot be shown again
            _show_first_key(url, prepared.secret)
        if chosen.workers > 1:
            from exempla import workers as together

            with prepared.lock or nullcontext():  # which the processes hold, too
                together.serve(chosen, engine, listener, certificate, partial(_announce, url))
        else:
            database = Database(engine, prepared.lock)
            _serve_alone(chosen, database, listener, certificate)


def _serve_alone(
    chosen: Settings, database: Database, listener: socket, certificate: Tls | None
) -> None:
    from exempla import server
    from exempla.flight.server import serving
    from exempla.throttle import Throttle

    throttle = Throttle(chosen.rate_limit)
    urls = [server.url_of(listener, certificate)]
    with closing(database), ExitStack() as stack:
        if chosen.flight_port is not None:
            flight = serving(database, chosen.host, chosen.flight_port, certificate, throttle)
            urls.append(stack.enter_context(flight))
        http = server.make(database, chosen, certificate, throttle)
        server.run(http, listener, lambda: _announce(*urls))


def _announce(*urls: str) -> None:
    listening = " and ".join(urls)
    print(f"Exempla {__version__} is listening on {listening} (Ctrl-C stops it)", flush=True)


@app.command()
def demo(
    host: Host = settings.DEFAULT_HOST,
    port: Port = settings.DEFAULT_PORT,
    flight_port: FlightPort = settings.DEFAULT_FLIGHT_PORT,
    once: Annotated[bool, typer.Option("--once", help="End after showing the main job.")] = False,
) -> None:
    """Show the main job on a server with invented data in a new temporary folder.

    Then keep serving until Ctrl-C.
    """
    from exempla import demo as demonstration

    with startup_errors():
        demonstration.run(host, port, flight_port, once=once)


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="What the key is for.")] = "key",
    expires_in_days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Days until it expires.")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a key and print its secret, which cannot be shown again."""
    from exempla.store import audit, keys, users
    from exempla.store.transaction import Transaction

    if not (name.strip() and name.isprintable() and len(name) <= MAX_NAME_LENGTH):
        raise typer.BadParameter(
            f"give a name of 1 to {MAX_NAME_LENGTH} printable characters", param_hint="--name"
        )
    secret = keys.new_secret()
    expires_at = (
        int((datetime.now(UTC) + timedelta(days=expires_in_days)).timestamp() * clock.MICROSECONDS)
        if expires_in_days
        else None
    )

    def create(tx: Transaction) -> keys.ApiKey:
        user = users.first(tx)
        if user is None:
            raise StartupError("the database has no user; start `exempla serve` with it first")
        key = keys.create(tx, user, user, "USER", name, "", secret, expires_at)
        audit.record(tx, audit.by_operator("exempla keys create", name=name), key.id)
        return key

    key = write(data_dir, database_url, create)
    print(secret)
    note(f"The key {key.name!r} has the id {key.id}. Its secret is shown only this once.")


@keys_app.command("list")
def list_keys(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List all keys, without their secrets."""
    from exempla.store import keys

    table = Table("id", "name", "starts with", "created", "expires", "status", box=None)
    for key in read(data_dir, database_url, keys.list_all):
        table.add_row(
            str(key.id),
            escape(key.name),
            escape(key.hint),
            clock.rfc3339(key.created_at),
            clock.rfc3339(key.expires_at) if key.expires_at else "never",
            _status(key),
        )
    Console(width=200).print(table)  # in any terminal: the ids must stay whole for `revoke`


@keys_app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="The id, as `exempla keys list` shows it.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a key at once; servers refuse it from the next request on."""
    from exempla.store import audit, keys
    from exempla.store.access import OPERATOR
    from exempla.store.transaction import Transaction

    with startup_errors():
        id = parse_id(key_id, "ApiKey", "KEY_ID")

    def revoke(tx: Transaction) -> keys.ApiKey:
        audit.record(tx, audit.by_operator("exempla keys revoke"), id)
        return keys.revoke(tx, OPERATOR, id)

    key = write(data_dir, database_url, revoke)
    print(f"revoked {key.name!r} ({key.id})")


def _status(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.is_active(clock.now()) else "expired"


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def _show_first_key(url: str, secret: str) -> None:
    is_tls = url.startswith("https")
    print(
        "This is a new database. Its admin key is shown only this once:\n\n"
        f"  {secret}\n\n"
        f"Log in with it at {url} in a browser, or try:\n\n"
        f"  curl -H 'Authorization: Bearer {secret}' {url}/v2/spaces\n"
        + ("  (with --cacert FILE, if no one knows who signed the certificate)\n" * is_tls)
    )


def main() -> None:
    """Run the command."""
    app()
