"""The forms of the pages: what a browser sends, and how it is known to come from a page here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from litestar import Request

from exempla.api import fields
from exempla.errors import AccessForbidden, InvalidRequest, Problem, ValidationError
from exempla.ids import ResourceId

FORM_TOKEN = "form_token"  # noqa: S105 (its name)
WHOSE = 16
"""Characters of the token that tell whose it is; `exempla.js` compares as many."""

SENT = "sent"
"""Where the scope's state has the form that was sent, for the page that tells of a failure."""

ONCE = "once"
"""The field of a form that is done once, also when it is sent again; random."""

MAX_FIELDS = 10_000
"""Fields of a form."""


class OldForm(AccessForbidden):
    """The form is not one that this session was given."""


class ForeignForm(AccessForbidden):
    """The form is of another site."""


class Form:
    """The fields of a form: the values of each name, in order."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._values)

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of this name."""
        return self._values.get(name, [default])[0]

    def all(self, name: str) -> list[str]:
        """Return all values of this name."""
        return self._values.get(name, [])

    def over(self, name: str, now: str) -> str:
        """Return what was typed over what was seen (`<name>_seen`); else what is there now."""
        typed = self.get(name, now)
        return now if typed == self.get(f"{name}_seen", now) else typed

    def digest(self) -> str:
        """Return what is the same for this form sent again, also after another log-in."""
        sent = sorted(item for item in self._values.items() if item[0] != FORM_TOKEN)
        return hashlib.sha256(msgspec.json.encode(sent)).hexdigest()


def new_version(form: Form) -> str | None:
    """Return the name of the version to make; None to write into the one that is there.

    Raises `ValidationError` for a name that was given for nothing: without scripts, nothing chooses
    the new version when its name is typed.
    """
    name = form.get("new_version").strip()
    if form.get("into") == "new":
        return fields.name(name, "the new version's name")
    if name:
        raise ValidationError(
            f"a new version was named {name!r}, but not chosen; choose it, or empty its name"
        )
    return None


class Refused(NamedTuple):
    """A form that was refused, and is shown again on its page, where there are others beside it."""

    form: Form = Form()
    problem: Problem | None = None
    id: str = ""
    """Of what it would have changed, if the page has such a form for several."""

    @property
    def status(self) -> int:
        """The status of the page that shows it."""
        return self.problem.status if self.problem else 200

    def typed(self, action: str, id: str = "") -> Form:
        """Return what was typed, if it was into this form of the page; else an empty form."""
        return self.form if self.form.get("action") == action and self.id == id else Form()

    def other_than(self, *actions: str) -> Form:
        """Return what was typed, if it was into none of these forms; else an empty form."""
        return Form() if self.form.get("action") in actions else self.form


NOT_REFUSED = Refused()


def form_token(token: str, person: ResourceId) -> str:
    """Return what the forms of a session carry, so that no other site can make one.

    Its beginning is the same in all sessions of a person: so scripts know who is logged in.
    """
    whose = hashlib.sha256(str(person).encode()).hexdigest()[:WHOSE]
    return whose + hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()[WHOSE:]


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """Return the form that was sent from a page of this server, its line ends as LF."""
    check_origin(request)
    try:
        text = (await request.body()).decode("ascii")
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise InvalidRequest("the form cannot be read") from None
    return Form((name, value.replace("\r\n", "\n")) for name, value in fields)


def check_origin(request: Request[Any, Any, Any]) -> None:
    """Raise `ForeignForm` for a form of another site.

    `Sec-Fetch-Site` tells it, which browsers send to safe origins and a proxy leaves as it is;
    else `Origin` does.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site:
        is_ours = site in ("same-origin", "none")
    else:
        is_ours = not origin or origin.partition("://")[2] == request.headers.get("host")
    if not is_ours:
        raise ForeignForm("this form was sent from another site; open the page here")
