"""How a handler writes: one function of the store, and its answer with the `ETag` after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

import msgspec
from litestar import MediaType, Response

from exempla.api.preconditions import etag
from exempla.store.database import Database, Transaction

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
    """Return the answer with its `ETag`."""
    headers = {"ETag": etag(answer.tag)} if answer.tag else None
    content = answer.content
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Response(b"" if content is None else body, media_type=MediaType.JSON, headers=headers)


class Writing:
    """Runs the write of a request, and renders what it did."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(
        self,
        render: Callable[[T], Tagged[A]],
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Response[A]:
        """Run a store function that writes, and return what `render` makes of its result."""
        return respond(render(await self._database.write(function, *args, **kwargs)))
