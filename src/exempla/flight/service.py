"""The Flight service: `DoPut` makes a dataset, `DoGet` sends a version.

It speaks Flight's protocol over grpcio: pyarrow's own server takes in whatever a client sends
faster than it is used, shows every error with a traceback, and cannot tell that a client is dead.

pyarrow is imported with the first call: a server that nobody sends columns to does without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote

import grpc
import structlog

from exempla import metrics
from exempla.api import auth, fields
from exempla.errors import (
    AccessForbidden,
    AuthenticationRequired,
    Conflict,
    InternalError,
    InvalidRequest,
    NotFound,
    NotSupported,
    Problem,
    RateLimited,
    Unavailable,
)
from exempla.flight import commands, protocol
from exempla.flight.backlog import Backlog
from exempla.flight.patience import patiently
from exempla.flight.places import Places
from exempla.ids import ResourceId, looks_like_id, parse_id
from exempla.memory import give_back
from exempla.store import datasets, keys
from exempla.store.access import Permit, Role
from exempla.store.audit import Act
from exempla.store.database import Database
from exempla.store.datasets import Dataset
from exempla.store.transaction import Row
from exempla.throttle import Throttle

NEEDS = {"createDataset": Role.MEMBER, "getDataset": Role.READ_ONLY}
"""The role that a command needs in its space."""

A_MOMENT_S = 0.02
"""How long to wait, after the end of a stream, for the news that it broke."""

_HELP = "send it as the header `auth-token-bin`"

_CODES: dict[type[Problem], grpc.StatusCode] = {
    AuthenticationRequired: grpc.StatusCode.UNAUTHENTICATED,
    AccessForbidden: grpc.StatusCode.PERMISSION_DENIED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Conflict: grpc.StatusCode.ALREADY_EXISTS,
    NotSupported: grpc.StatusCode.UNIMPLEMENTED,
    InternalError: grpc.StatusCode.INTERNAL,
    RateLimited: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
}
"""The status of a problem; INVALID_ARGUMENT for all others."""

_log = structlog.get_logger(__name__)


class Service:
    """The two methods, on one database."""

    def __init__(self, database: Database, throttle: Throttle) -> None:
        self._database = database
        self._places = Places()
        self._throttle = throttle

    def handlers(self) -> grpc.GenericRpcHandler:
        """Return the methods under their names; gRPC refuses all others.

        Both take a stream, so that the key is looked up before anything is taken in.
        """
        return grpc.method_handlers_generic_handler(
            protocol.SERVICE,
            {
                "DoPut": grpc.stream_stream_rpc_method_handler(self.do_put),
                "DoGet": grpc.stream_stream_rpc_method_handler(self.do_get),
            },
        )

    def do_put(self, messages: Iterator[bytes], context: Any) -> Iterator[bytes]:
        """Make a dataset of the stream's rows; answer its id when all of it is durable."""
        with _answering(context, "DoPut"), self._permitted(context, "createDataset") as permit:
            broken = threading.Event()
            context.add_callback(broken.set)
            stream = _Stream(patiently(context, messages))
            asked = commands.read_command(stream.command)
            space_id = parse_id(asked.space_id, "Space", "spaceId")
            name = fields.name(asked.dataset_name, "datasetName")
            self._database.read_now(datasets.check_free, permit, space_id, name)
            with Backlog(self._database.engine.scratch) as backlog:
                stream.drain_into(backlog)
                # A stream that breaks ends like a whole one; that it broke is told a moment later.
                if broken.wait(A_MOMENT_S):
                    return
                try:
                    given = {"space_id": asked.space_id, "name": name}
                    ip = _address(context.peer())
                    act = Act(permit.user_id, permit.key_id, ip, "createDataset", None, given)
                    dataset = self._create(permit, space_id, name, backlog, broken.is_set, act)
                finally:
                    give_back()
            yield protocol.put_result(protocol.dataset_created(str(dataset.id)))

    def _create(
        self,
        permit: Permit,
        space_id: ResourceId,
        name: str,
        backlog: Backlog,
        is_broken: Callable[[], bool],
        act: Act,
    ) -> Dataset:
        """Make a dataset of all that came, unless the stream turns out to have broken."""
        import pyarrow as pa

        from exempla.arrow.rows import fill
        from exempla.store import bulk
        from exempla.store.incoming import Incoming

        def check() -> None:
            if is_broken():
                raise Unavailable("the client has left; nothing was kept")

        give_back()  # what gRPC held of the messages
        with Incoming(self._database.engine.scratch) as incoming:
            try:
                batches = backlog.open()
                fill(incoming, batches.schema, batches, check)
                metrics.ROWS.labels("DoPut").inc(len(incoming))
                backlog.check_end()
            except (pa.ArrowException, OSError) as error:
                if isinstance(error, OSError) and error.errno:  # not Arrow's, but the system's
                    raise
                raise InvalidRequest(f"the stream cannot be read: {error}") from None
            return bulk.create_dataset(
                self._database, permit, space_id, name, incoming, is_cancelled=is_broken, act=act
            )

    def do_get(self, messages: Iterator[bytes], context: Any) -> Iterator[bytes]:
        """Send all rows of a version."""
        with _answering(context, "DoGet"), self._permitted(context, "getDataset") as permit:
            message = next(patiently(context, messages), b"")
            asked = commands.read_ticket(_protobuf(protocol.read_ticket, message))
            dataset = self._dataset(permit, asked)
            version = _version(asked.dataset_version)
            from exempla.arrow.columns import Columns
            from exempla.files.spool import Spool
            from exempla.flight.sending import messages as sent
            from exempla.store import bulk

            def take(part: list[Row]) -> None:
                if not context.is_active():
                    raise Unavailable("the client has left")
                metrics.ROWS.labels("DoGet").inc(len(part))
                spool.take(part)

            columns = Columns()
            with Spool(self._database.engine.scratch, columns.learn) as spool:
                try:
                    self._database.read_bulk(bulk.read, permit, dataset, version, take)
                    yield from patiently(context, sent(columns, spool.parts()))
                finally:
                    give_back()

    @contextmanager
    def _permitted(self, context: Any, command: str) -> Iterator[Permit]:
        """Give the permit of the call, which has a place among all streams meanwhile."""
        permit = self._permit(context, command)
        with self._places.one(permit.key_id.number):
            yield permit

    def _permit(self, context: Any, command: str) -> Permit:
        """Return the permit of the key in the call's headers (contract: Arrow Flight)."""
        headers = dict(context.invocation_metadata())
        sent = headers.get("auth-token-bin") or headers.get("authorization") or ""
        text = sent.decode("utf-8", "replace") if isinstance(sent, bytes) else sent
        hashed = keys.secret_hash(auth.secret_in(text, _HELP))
        found = self._database.read_now(keys.authenticate, hashed)
        if found is None:
            self._throttle.wrong_key(_address(context.peer()))
        principal = auth.known(found, _HELP)
        self._throttle.admit(principal.permit.key_id)
        if principal.is_use_due():
            with suppress(Problem):  # a full disk keeps no one from reading
                self._database.write_now(keys.used, principal.permit.key_id)
        return principal.permit._replace(needs=NEEDS[command])

    def _dataset(self, permit: Permit, asked: commands.GetDataset) -> ResourceId:
        if asked.dataset_id:
            return parse_id(asked.dataset_id, "Dataset", "datasetId")
        space_id = parse_id(asked.space_id, "Space", "spaceId")
        return self._database.read_now(datasets.by_name, permit, space_id, asked.dataset_name).id


def _address(peer: str) -> str:
    """Return the address in gRPC's name of a client: `ipv4:192.0.2.1:50000`, `ipv6:%5B::1%5D:1`."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


def _version(text: str) -> ResourceId | str | None:
    if looks_like_id(text):
        return parse_id(text, "DatasetVersion", "datasetVersion")
    return text or None


@contextmanager
def _answering(context: Any, method: str) -> Iterator[None]:
    """Answer problems with their status, and tell no client more of other errors than that.

    And count the call.
    """
    status = "ABANDONED"
    try:
        with metrics.STREAMS.labels(method).track_inprogress():
            yield
        status = "OK"
    except Problem as problem:
        if isinstance(problem, InternalError):
            _log.error("call failed", method=method, exc_info=problem)
        code = _CODES.get(type(problem), grpc.StatusCode.INVALID_ARGUMENT)
        status = code.name
        context.abort(code, problem.detail)
    except Exception as error:
        status = "INTERNAL"
        if not context.is_active():
            _log.info("client left", method=method, cause=repr(error))
            return
        _log.error("call failed", method=method, exc_info=error)
        if isinstance(error, OSError):  # a full disk, most likely
            context.abort(grpc.StatusCode.UNAVAILABLE, "the server has no room now; try again")
        context.abort(grpc.StatusCode.INTERNAL, "the server failed; its log has the cause")
    finally:
        metrics.CALLS.labels(method, status).inc()


class _Stream:
    """The messages that a client sends; the first has the command."""

    def __init__(self, messages: Iterator[bytes]) -> None:
        self._messages = messages
        self._first = _protobuf(protocol.read_flight_data, next(messages, b""))
        self.command = self._first.command

    def drain_into(self, backlog: Backlog) -> None:
        """Take all messages in."""
        _add(backlog, self._first)
        for message in self._messages:
            _add(backlog, _protobuf(protocol.read_flight_data, message))
            del message  # before the next one comes: each may be very large


def _add(backlog: Backlog, data: protocol.FlightData) -> None:
    if len(data.header):  # else it is metadata
        backlog.add(data.header, data.body)


def _protobuf(read: Any, message: bytes) -> Any:
    try:
        return read(message)
    except ValueError as error:
        raise InvalidRequest(str(error)) from None
