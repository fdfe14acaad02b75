"""Text of others, as text: escaped, isolated, and with what cannot be seen made visible."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

from markupsafe import Markup, escape

from exempla.characters import HIDDEN

_SHORT = {
    "\r": "CR",
    "\u200b": "ZWSP",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u061c": "ALM",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\ufeff": "BOM",
    "\xad": "SHY",
}


def has_hidden(text: str) -> bool:
    """Tell whether the text has characters that `visible` shows by their name."""
    return HIDDEN.search(text) is not None


def visible(text: str) -> Markup:
    """Return the text as markup, each hidden character replaced by its short name."""
    if not has_hidden(text):
        return escape(text)
    parts: list[Markup] = []
    end = 0
    for match in HIDDEN.finditer(text):
        parts += [escape(text[end : match.start()]), _mark(match[0])]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def isolated(text: str) -> Markup:
    """Return the text as markup that does not turn the direction of what stands around it."""
    return Markup("<bdi>{}</bdi>").format(visible(text))


def named(name: str) -> Markup:
    """Return the name of a field as markup; one without characters can be seen, too."""
    return isolated(name) if name else Markup('<i class="quiet">without a name</i>')


def hidden(text: str) -> Markup:
    """Return as markup the names of the hidden characters in the text, each once; "" if none."""
    return Markup(" ").join(_mark(one) for one in dict.fromkeys(HIDDEN.findall(text)))


def plain(text: str) -> str:
    """Return the text for places that take no markup, with hidden characters as their name."""
    return HIDDEN.sub(lambda match: f"[{_name(match[0])}]", text)


def sendable(text: str) -> str:
    """Return the text as browsers send it back: not so CR and NUL, which are escaped, and `%`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\0", "%00")


def came_back(text: str) -> str:
    """Return the text that `sendable` made this of."""
    return unquote(text)


def cut(text: str, longest: int) -> str:
    """Return the text, with an ellipsis for what is over the longest length in characters."""
    return text if len(text) <= longest else text[:longest].rstrip() + "…"


def _name(character: str) -> str:
    return _SHORT.get(character, f"U+{ord(character):04X}")


def _mark(character: str) -> Markup:
    title = f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
    return Markup('<span class="mark" title="{}">{}</span>').format(title, _name(character))
