"""How a handler writes: one function of the store, and the answer with the `ETag` after it.

With the header `Idempotency-Key` the answer is stored with what was written, and a request that
is sent again gets it (`store/idempotency.py`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

import msgspec
from litestar import MediaType, Request, Response

from exempla.api import problems
from exempla.api.access import HAS_EXAMPLES, NOT_IN_AUDIT_LOG
from exempla.api.auth import address_of
from exempla.api.body import IN_A_THREAD_FROM
from exempla.api.preconditions import etag
from exempla.errors import InvalidRequest, Problem, ValidationError
from exempla.ids import ResourceId
from exempla.limits import MAX_IDEMPOTENCY_KEY_LENGTH
from exempla.store import audit, idempotency
from exempla.store.access import Permit
from exempla.store.audit import Act
from exempla.store.database import Database
from exempla.store.idempotency import Answer, Asked
from exempla.store.transaction import Transaction

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")


class Tagged(NamedTuple, Generic[A]):
    """What to answer, and the tag of what was written to, as it is now; "" if it has none."""

    content: A
    tag: str = ""


def plain(render: Callable[[T], A]) -> Callable[[T], Tagged[A]]:
    """Return what renders an answer about a thing without a tag."""
    return lambda done: Tagged(render(done))


def nothing(_: object) -> Tagged[None]:
    """Answer nothing: it is gone."""
    return Tagged(None)


def respond(answer: Tagged[A]) -> Response[Any]:
    """Return the answer with its `ETag`, and the status of the route."""
    return _response(None, answer.tag, _encode(answer.content))


class Writing:
    """Runs the write of a request, and renders what it did."""

    def __init__(
        self, database: Database, path: str, status: int, asked: Asked | None, act: Act | None
    ) -> None:
        self._database = database
        self._act = act
        self._path = path
        self._status = status
        self._asked = asked

    @classmethod
    async def of(cls, request: Request[Any, Any, Any], database: Database) -> Writing:
        """Return what runs the write of this request, once if it has an `Idempotency-Key`."""
        hash = RequestHash(request)
        body = await request.body()
        if hash.key and len(body) > IN_A_THREAD_FROM:
            await asyncio.to_thread(hash.update, body)
        else:
            hash.update(body)
        return cls.of_hashed(request, database, hash, body)

    @classmethod
    def of_hashed(
        cls,
        request: Request[Any, Any, Any],
        database: Database,
        hash: RequestHash,
        body: bytes = b"",
    ) -> Writing:
        """Return the same for a request whose body was taken in already.

        `body` is for the audit log.
        """
        handler: Any = request.route_handler
        operation = f"{request.method} {request.scope['path_template']}"
        act = None if operation in NOT_IN_AUDIT_LOG else _act(request, operation, body)
        return cls(database, request.scope["path"], handler.status_code, hash.asked(), act)

    async def __call__(
        self,
        render: Callable[[T], Tagged[A]],
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Response[A]:
        """Run a store function that writes, and return what `render` makes of its result."""
        if self._asked is None:
            return respond(render(await self.run(function, *args, **kwargs)))

        def write(tx: Transaction) -> Answer:
            content, tag = render(audit.recorded(function, self._act)(tx, *args, **kwargs))
            return Answer(self._status, tag, _encode(content))

        answer = await idempotency.run(self._database, self._asked, write, self._refused)
        return _response(*answer)

    async def to_dataset(
        self,
        render: Callable[[T], Tagged[A]],
        function: Callable[Concatenate[Transaction, Permit, ResourceId, P], T],
        permit: Permit,
        dataset: ResourceId,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Response[A]:
        """Do the same with a function that locks this dataset and nothing else."""
        if self._asked or self._act:  # whose answer, or entry in the audit log, is written too
            return await self(render, function, permit, dataset, *args, **kwargs)
        write = self._database.write_to_dataset
        return respond(render(await write(function, permit, dataset, *args, **kwargs)))

    async def run(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a store function that writes, and return its result, which is not stored."""
        return await self._database.write(audit.recorded(function, self._act), *args, **kwargs)

    def without_key(self) -> None:
        """Raise `ValidationError` for an `Idempotency-Key`: the answer must not be stored."""
        if self._asked:
            raise ValidationError(
                "Idempotency-Key cannot be used here: the answer has a secret, which is not kept; "
                "leave it out"
            )

    def _refused(self, problem: Problem) -> Answer:
        return Answer(problem.status, "", problems.encode(problem, self._path))


class RequestHash:
    """The `Idempotency-Key` of a request, and a hash of the request, whose body is to be added."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        scope, self.key = request.scope, _key_of(request)
        permit: Permit = scope["auth"]
        self._user = permit.user_id.number
        target = b" ".join([request.method.encode(), scope["raw_path"], scope["query_string"]])
        condition = ",".join(request.headers.getall("if-match", [])).encode()
        self._hash = hashlib.sha256()
        for part in (target, condition):
            self._hash.update(hashlib.sha256(part).digest())

    def update(self, part: bytes) -> None:
        """Add a part of the body."""
        if self.key is not None:
            self._hash.update(part)

    def asked(self) -> Asked | None:
        """Return the request, if it has a key."""
        return None if self.key is None else Asked(self._user, self.key, self._hash.hexdigest())


def _key_of(request: Request[Any, Any, Any]) -> str | None:
    keys = request.headers.getall("idempotency-key", [])
    if not keys:
        return None
    if len(keys) > 1:
        raise InvalidRequest("Idempotency-Key was sent more than once; send one")
    key = keys[0]
    if not (1 <= len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise InvalidRequest(
            f"Idempotency-Key must have 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} printable characters "
            "of ASCII"
        )
    return key


def _act(request: Request[Any, Any, Any], operation: str, body: bytes) -> Act:
    """Return what the audit log tells of this request."""
    permit: Permit = request.scope["auth"]
    text = "" if operation in HAS_EXAMPLES else body.decode("utf-8", "replace")
    return Act(
        permit.user_id,
        permit.key_id,
        address_of(request),
        operation,
        text or None,
        request.path_params,
    )


def _encode(content: object) -> bytes:
    if content is None:
        return b""
    return content if isinstance(content, bytes) else msgspec.json.encode(content)


def _response(status: int | None, tag: str, body: bytes) -> Response[Any]:
    refused = status is not None and status >= 400
    return Response(
        body,
        status_code=status,
        media_type=problems.CONTENT_TYPE if refused else MediaType.JSON,
        headers={"ETag": etag(tag)} if tag else None,
    )
