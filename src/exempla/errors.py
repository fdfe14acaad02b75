"""Everything that can go wrong with a request, as one tree.

A problem is what a client is told (RFC 9457); its status is in brackets (RFC 9110, section 15)::

    Problem
    ├── InvalidRequest          [400] malformed: not JSON, wrong JSON type, malformed id or cursor
    ├── AuthenticationRequired  [401] no key, or one that is unknown, revoked or expired
    ├── AccessForbidden         [403] the caller may read this but not do that
    ├── NotFound                [404] does not exist, or the caller may not read it
    ├── MethodNotAllowed        [405] the path exists, but not with this method
    ├── Conflict                [409] a name is taken, or a version is locked
    ├── PreconditionFailed      [412] what the caller last saw has changed since
    ├── PayloadTooLarge         [413] the body is over the limit
    ├── UnsupportedMediaType    [415] the body is compressed
    ├── Misdirected             [421] the server is not known by the name in `Host`
    ├── ValidationError         [422] well-formed, but against a rule
    ├── RateLimited             [429] too many requests
    ├── InternalError           [500] a fault of the server
    ├── NotSupported            [501] a part of the contract that this release lacks
    └── Unavailable             [503] the database cannot answer now; try again

    StartupError                the server or a command cannot start; one line says why

`store` and `api` raise them; `api/problems.py` alone renders them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

LONGEST_DETAIL = 1_000
"""Characters of a problem's detail; it may name what was sent, and is cut then."""


class Problem(Exception):
    """A request failed in a way that its sender can be told about.

    ``detail`` is one sentence for a person: it names the field (and, in a batch, the index) and
    says what to change. It never holds SQL, a traceback or a secret.
    """

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    headers: Mapping[str, str] = {}
    others: Sequence[str] = ()
    """What else is wrong with the same file, as far as it was looked for."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail if len(detail) <= LONGEST_DETAIL else detail[:LONGEST_DETAIL] + " ..."


class InvalidRequest(Problem):
    """The request is malformed: not JSON, a wrong JSON type, a malformed id or cursor."""

    status = 400
    slug = "invalid-request"
    title = "Invalid request"


class AuthenticationRequired(Problem):
    """No key was sent, or one that is unknown, revoked or expired."""

    status = 401
    slug = "authentication-required"
    title = "Authentication required"
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class AccessForbidden(Problem):
    """The caller can read the resource but may not do this."""

    status = 403
    slug = "access-forbidden"
    title = "Access forbidden"


class NotFound(Problem):
    """The resource does not exist, or the caller may not read it; the two look the same."""

    status = 404
    slug = "not-found"
    title = "Not found"


class MethodNotAllowed(Problem):
    """The path exists, but not with this method."""

    status = 405
    slug = "invalid-request"
    title = "Method not allowed"


class Conflict(Problem):
    """A name is taken, or a version is locked."""

    status = 409
    slug = "conflict"
    title = "Conflict"


class PreconditionFailed(Problem):
    """What the caller last saw has changed since (RFC 9110, section 13)."""

    status = 412
    slug = "precondition-failed"
    title = "Precondition failed"


class PayloadTooLarge(Problem):
    """The body is over the limit."""

    status = 413
    slug = "payload-too-large"
    title = "Payload too large"


class UnsupportedMediaType(Problem):
    """The body is compressed; send it as it is."""

    status = 415
    slug = "invalid-request"
    title = "Unsupported media type"
    headers: Mapping[str, str] = {"Accept-Encoding": "identity"}


class Misdirected(Problem):
    """The server is not known by the name in the header ``Host`` (see ``--allowed-host``)."""

    status = 421
    slug = "invalid-request"
    title = "Misdirected request"


class ValidationError(Problem):
    """The request is well-formed but breaks a rule."""

    status = 422
    slug = "validation-error"
    title = "Validation error"


class RateLimited(Problem):
    """Too many requests; the header ``Retry-After`` says how many seconds to wait."""

    status = 429
    slug = "rate-limited"
    title = "Too many requests"
    headers: Mapping[str, str] = {"Retry-After": "1"}

    def __init__(self, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        if headers is not None:
            self.headers = headers


class InternalError(Problem):
    """A fault of the server. The log has the cause under the answer's ``X-Request-Id``."""

    status = 500
    slug = "internal-error"
    title = "Internal error"


class NotSupported(Problem):
    """A part of the contract that this release lacks."""

    status = 501
    slug = "internal-error"
    title = "Not supported"


class Unavailable(Problem):
    """The database cannot answer now; ``Retry-After`` says how many seconds to wait."""

    status = 503
    slug = "internal-error"
    title = "Temporarily unavailable"
    headers: Mapping[str, str] = {"Retry-After": "1"}


class StartupError(Exception):
    """The server or a command cannot start; the message is one line for a person."""
