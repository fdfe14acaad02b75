"""The Flight service: `DoPut` makes a dataset, `DoGet` sends a version.

An error reaches the client as a Flight error with the text of the problem. It is one that pyarrow
sends without a traceback: of a bad row, a conflict or what does not exist that is
`FlightServerError` (gRPC's UNKNOWN), with the problem as JSON in `extra_info`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import pyarrow as pa
import structlog
from pyarrow import flight

from exempla.api import auth, fields
from exempla.api.problems import encode
from exempla.arrow.rows import Reader
from exempla.errors import (
    AccessForbidden,
    AuthenticationRequired,
    InternalError,
    NotSupported,
    PayloadTooLarge,
    Problem,
    Unavailable,
)
from exempla.flight import commands
from exempla.flight.spool import Spool
from exempla.ids import ResourceId, looks_like_id, parse_id
from exempla.limits import MAX_BATCH_BYTES
from exempla.store import bulk, datasets, keys
from exempla.store.access import Permit, Role
from exempla.store.database import Database
from exempla.store.incoming import Incoming

NEEDS = {"createDataset": Role.MEMBER, "getDataset": Role.READ_ONLY}
"""The role that a command needs in its space."""

_HELP = "send it as the header `auth-token-bin`"
_PERMIT = "permit"
_FAULT = "the server failed; its log has the cause"
_ERRORS: dict[type[Problem], type[flight.FlightError]] = {
    AuthenticationRequired: flight.FlightUnauthenticatedError,
    AccessForbidden: flight.FlightUnauthorizedError,
    Unavailable: flight.FlightUnavailableError,
    InternalError: flight.FlightInternalError,
}

_log = structlog.get_logger(__name__)


@contextmanager
def _as_flight_errors(what: str) -> Iterator[None]:
    """Raise problems as errors of Flight; tell no client more of other errors than that."""
    try:
        yield
    except Problem as problem:
        raise _flight_error(problem, what) from None
    except flight.FlightError:  # the stream broke, or was cancelled
        raise
    except Exception as error:
        _log.error("failed", what=what, exc_info=error)
        raise _flight_error(InternalError(_FAULT), what) from None


def _flight_error(problem: Problem, what: str) -> flight.FlightError:
    kind = _ERRORS.get(type(problem), flight.FlightServerError)
    return kind(problem.detail, encode(problem, what))


class _Permitted(flight.ServerMiddleware):  # type: ignore[misc]
    """Carries the permit of a call."""

    def __init__(self, permit: Permit) -> None:
        self.permit = permit


class _Authenticator(flight.ServerMiddlewareFactory):  # type: ignore[misc]
    """Lets calls pass that have a valid key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start_call(self, info: Any, headers: dict[str, list[Any]]) -> _Permitted:
        """Return the permit of the key in the headers (contract: Arrow Flight)."""
        with _as_flight_errors("authentication"):
            sent = (headers.get("auth-token-bin") or headers.get("authorization") or [""])[0]
            text = sent.decode("utf-8", "replace") if isinstance(sent, bytes) else str(sent)
            return _Permitted(self._permit(auth.secret_in(text, _HELP)))

    def _permit(self, secret: str) -> Permit:
        principal = auth.known(
            self._database.read_now(keys.authenticate, keys.secret_hash(secret)), _HELP
        )
        if principal.is_use_due():
            with suppress(Problem):  # a full disk keeps no one from reading
                self._database.write_now(keys.used, principal.permit.key_id)
        return principal.permit


class Service(flight.FlightServerBase):  # type: ignore[misc]
    """Serves from its making on, until `shutdown`."""

    def __init__(
        self, database: Database, location: str, certificates: list[tuple[bytes, bytes]]
    ) -> None:
        super().__init__(
            location,
            tls_certificates=certificates,
            middleware={_PERMIT: _Authenticator(database)},
        )
        self._database = database

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        """Make a dataset of the stream's rows; answer its id when all of it is durable."""
        with _as_flight_errors("DoPut"):
            asked = commands.read_command(descriptor.command)
            permit = _permit(context, "createDataset")
            space_id = parse_id(asked.space_id, "Space", "spaceId")
            name = fields.name(asked.dataset_name, "datasetName")
            self._database.read_now(bulk.check_free, permit, space_id, name)
            with Incoming(self._database.engine.scratch) as incoming:
                _take(reader, incoming)
                if context.is_cancelled():  # a stream that breaks seems to end
                    raise flight.FlightCancelledError("the stream broke")
                dataset = bulk.create_dataset(self._database, permit, space_id, name, incoming)
            writer.write(pa.py_buffer(commands.dataset_created(str(dataset.id))))

    def do_get(self, context: Any, ticket: Any) -> flight.GeneratorStream:
        """Send all rows of a version."""
        with _as_flight_errors("DoGet"):
            asked = commands.read_ticket(ticket.ticket)
            permit = _permit(context, "getDataset")
            dataset = self._dataset(permit, asked)
            version = _version(asked.dataset_version)
            spool = Spool(self._database.engine.scratch)
            try:
                self._database.read_bulk(bulk.read, permit, dataset, version, spool.take)
                schema = spool.columns.schema()
            except BaseException:
                spool.close()
                raise
            return flight.GeneratorStream(schema, _batches(spool, schema))

    def _dataset(self, permit: Permit, asked: commands.GetDataset) -> ResourceId:
        if asked.dataset_id:
            return parse_id(asked.dataset_id, "Dataset", "datasetId")
        space_id = parse_id(asked.space_id, "Space", "spaceId")
        return self._database.read_now(datasets.by_name, permit, space_id, asked.dataset_name).id

    def get_flight_info(self, *_: Any) -> NoReturn:
        """Refuse: versions are read by `DoGet` alone."""
        raise _lacking("GetFlightInfo")

    def get_schema(self, *_: Any) -> NoReturn:
        """Refuse: the schema comes with the rows."""
        raise _lacking("GetSchema")

    def list_flights(self, *_: Any) -> NoReturn:
        """Refuse: datasets are listed over REST."""
        raise _lacking("ListFlights")

    def list_actions(self, *_: Any) -> NoReturn:
        """Refuse: there are no actions."""
        raise _lacking("ListActions")

    def do_action(self, *_: Any) -> NoReturn:
        """Refuse: experiments, which AX has actions for, are not Exempla's."""
        raise _lacking("DoAction")

    def do_exchange(self, *_: Any) -> NoReturn:
        """Refuse: rows go one way at a time."""
        raise _lacking("DoExchange")


def _permit(context: Any, command: str) -> Permit:
    permitted: _Permitted = context.get_middleware(_PERMIT)
    return permitted.permit._replace(needs=NEEDS[command])


def _version(text: str) -> ResourceId | str | None:
    if looks_like_id(text):
        return parse_id(text, "DatasetVersion", "datasetVersion")
    return text or None


def _take(reader: Any, incoming: Incoming) -> None:
    """Read the stream to its end."""
    rows = Reader(reader.schema)
    for chunk in reader:
        if chunk.data is None:
            continue
        size = chunk.data.get_total_buffer_size()  # `nbytes` trusts what is not validated yet
        if size > MAX_BATCH_BYTES:
            raise PayloadTooLarge(
                f"a record batch has {size} bytes; at most {MAX_BATCH_BYTES} are allowed; "
                "send the rows in more batches"
            )
        for part in rows.read(chunk.data):
            incoming.add(part.bodies, part.ids, part.created_at, part.updated_at)


def _batches(spool: Spool, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    with _as_flight_errors("DoGet"):
        for part in spool.parts():
            yield spool.columns.batch(schema, part)


def _lacking(what: str) -> flight.FlightError:
    return _flight_error(NotSupported(f"Exempla has no {what}; it has DoPut and DoGet"), what)
