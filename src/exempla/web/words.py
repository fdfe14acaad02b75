"""What differs between two texts, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from markupsafe import Markup

from exempla.web.text import visible

Kind = Literal["same", "old", "new"]

BUDGET = 1_000_000
"""Pairs of words that one page may compare: some 100 ms at the very worst."""

LONG = 400
"""Characters that are the same in both from which on their middle is folded."""

AROUND = 120
"""Characters, about, that are left of them at each end."""

# A word with the space before it; scripts without spaces go by character.
_WORD = re.compile(r"\s*(?:[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|[^\w\s])|\s+")


_FORMS = {"old": Markup("<del>{}</del>"), "new": Markup("<ins>{}</ins>")}
_FOLDED = Markup('{}<details class="same"><summary>{} characters as before</summary>{}</details>{}')


class Piece(NamedTuple):
    """A part of two texts that are compared: in both, in the old one, or in the new one."""

    kind: Kind
    text: str


class Comparer:
    """Compares texts word by word, until the budget of its page is spent, then as a whole."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget

    def pieces(self, old: str, new: str) -> list[Piece]:
        """Return the pieces in order; the old ones and the same make `old`, and so for `new`."""
        a, b = _WORD.findall(old), _WORD.findall(new)
        start = _common(a, b)
        a_rest, b_rest = a[start:], b[start:]
        end = _common(a_rest[::-1], b_rest[::-1])
        tail = a_rest[len(a_rest) - end :]
        a_rest, b_rest = a_rest[: len(a_rest) - end], b_rest[: len(b_rest) - end]
        found = [Piece("same", "".join(a[:start])), *self._between(a_rest, b_rest)]
        return [piece for piece in [*found, Piece("same", "".join(tail))] if piece.text]

    def markup(self, old: str, new: str) -> Markup:
        """Return the pieces as markup; a long one that is the same in both is folded."""
        return Markup("").join(
            _folded(text) if kind == "same" else _FORMS[kind].format(visible(text))
            for kind, text in self.pieces(old, new)
        )

    def _between(self, a: list[str], b: list[str]) -> list[Piece]:
        whole = _replaced("".join(a), "".join(b))
        cost = len(a) * len(b)
        if not cost or cost > self._left:
            return whole
        self._left -= cost
        found: list[Piece] = []
        for kind, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            if kind == "equal":
                found.append(Piece("same", "".join(a[i:j])))
            else:
                found += _replaced("".join(a[i:j]), "".join(b[k:m]))
        return found


def _folded(text: str) -> Markup:
    """Return a text that is the same in both, its middle folded if it is long."""
    if len(text) <= LONG:
        return visible(text)
    head = text[:AROUND].rsplit(" ", 1)[0]
    tail = text[-AROUND:].split(" ", 1)[-1]
    middle = text[len(head) : len(text) - len(tail)]
    return _FOLDED.format(visible(head), f"{len(middle):,}", visible(middle), visible(tail))


def _replaced(old: str, new: str) -> list[Piece]:
    """Return what was replaced, without the space that both begin with."""
    spaces = old[: len(old) - len(old.lstrip())]
    if not new.startswith(spaces):
        spaces = ""
    rest = [Piece("old", old.removeprefix(spaces)), Piece("new", new.removeprefix(spaces))]
    return [Piece("same", spaces), *rest]


def _common(a: list[str], b: list[str]) -> int:
    """Return how many of the first words are the same."""
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count
