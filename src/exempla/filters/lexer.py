"""The words of the filter language: what may stand where, and what each field and value means.

The text becomes tokens for sqlglot's parser, which decides what binds to what. Each field (with
its path) and each value becomes one token, whose text is its number in a list. So the parser gets
no name, number or string to make something else of, and no word of SQL that is not listed here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, NoReturn

from sqlglot import Token, TokenType

from exempla.errors import InvalidRequest
from exempla.filters.expressions import AnnotationPart, ExampleId, Field, Operand, Value
from exempla.filters.names import BOOLEANS, WORDS
from exempla.filters.numbers import MAX_EXPONENT_DIGITS, exact

MAX_LENGTH = 10_000
"""Characters of a filter."""

MAX_NESTING = 30
"""Levels of parentheses and NOT; sqlglot needs some 20 stack frames for each."""

_LEXEME = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<string>'(?:[^']|'')*+')
    | (?P<quoted>"(?:[^"]|"")*+"|`(?:[^`]|``)*+`)
    | (?P<word>[^\W\d]\w*)
    | (?P<comment>--|/\*)
    | (?P<symbol><=|>=|<>|!=|==|\|\||::|[^\w\s'"`])
    """,
    re.VERBOSE,
)
_MORE_OF_A_WORD = re.compile(r"\w+")

_WORDS = {word: TokenType[word] for word in WORDS}

_SYMBOLS = {
    "=": TokenType.EQ,
    "!=": TokenType.NEQ,
    "<>": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    ",": TokenType.COMMA,
}
_JOINS = {
    *(TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE),
    *(TokenType.AND, TokenType.OR, TokenType.IN, TokenType.IS, TokenType.LIKE),
    *(TokenType.BETWEEN, TokenType.COMMA),
}
"""What stands between two operands."""

_CAN_BE_NEGATED = {TokenType.IN, TokenType.LIKE, TokenType.BETWEEN}
_OPERANDS = {TokenType.IDENTIFIER, TokenType.NUMBER, TokenType.NULL}

OPERATORS = "=, !=, <, <=, >, >=, IN, LIKE, BETWEEN or IS NULL"
_ARITHMETIC = f"there is no arithmetic in a filter; compare a field with {OPERATORS}"
_PARAMETERS = "there are no parameters in a filter; write the value itself"
_HINTS = {
    "==": "write = instead of ==",
    "!": "write NOT, or != to compare",
    ";": "a filter is one condition; join several with AND or OR",
    "*": _ARITHMETIC,
    "+": _ARITHMETIC,
    "-": _ARITHMETIC,
    "/": _ARITHMETIC,
    "%": _ARITHMETIC,
    "||": "there is no || in a filter; write OR, or the whole string",
    "::": "there are no casts in a filter; values of different types are never equal",
    "?": _PARAMETERS,
    ":": _PARAMETERS,
    "@": _PARAMETERS,
    "$": _PARAMETERS + ", or put a name that starts with $ in double quotes",
    "[": "a filter cannot look into lists; a path leads through objects, as in meta.source",
    "{": "a filter has no objects; name a path into one, as in meta.source",
    ".": "a dot stands between two names, as in meta.source; write 0.5 for a half",
}
_BEYOND = {
    "SELECT": "there are no subqueries in a filter",
    "CASE": "there is no CASE in a filter; join conditions with AND and OR",
}
_MANAGED = {
    "created_at": "a filter cannot ask for created_at, which is no field of an example",
    "updated_at": "a filter cannot ask for updated_at, which is no field of an example",
    "annotations": "write annotation.<name>.score, .label or .text",
}
"""Members of an example in an answer that cannot be fields."""

IN_LIST = "IN is followed by values in parentheses, as in topic IN ('a', 'b')"
_Part = Literal["score", "label", "text"]
_PARTS: tuple[_Part, ...] = ("score", "label", "text")


def mistake(offset: int, message: str) -> NoReturn:
    """Raise `InvalidRequest` for what is wrong at this offset of the filter."""
    raise InvalidRequest(f"filter, character {offset + 1}: {message}")


class Name(NamedTuple):
    """A field or the like, and the offset in the filter where it stands."""

    offset: int
    operand: Operand


class Constant(NamedTuple):
    """A value, and the offset in the filter where it stands."""

    offset: int
    value: Value


@dataclass
class Words:
    """A filter as tokens, and the names and values that tokens stand for by their number."""

    tokens: list[Token] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)


class _Lexeme(NamedTuple):
    kind: str
    text: str
    offset: int

    @property
    def shown(self) -> str:
        start = self.text[:40] if self.text.isprintable() else ascii(self.text[:40])
        return start if len(self.text) <= 40 else start + "..."


class _Parenthesis(NamedTuple):
    offset: int
    levels: int
    is_list: bool


def read(text: str) -> Words:
    """Split a filter into tokens that are in a possible order, or raise `InvalidRequest`."""
    if len(text) > MAX_LENGTH:
        mistake(MAX_LENGTH, f"the filter is longer than {MAX_LENGTH:,} characters")
    return _Reader(text).read()


def _lexemes(text: str) -> list[_Lexeme]:
    found: list[_Lexeme] = []
    offset = 0
    while offset < len(text):
        match = _LEXEME.match(text, offset)
        if match is None:
            what = "string" if text[offset] == "'" else "name"
            mistake(offset, f"the {what} that starts here has no closing {text[offset]}")
        kind = match.lastgroup or ""
        if kind == "comment":
            mistake(offset, f"there are no comments in a filter; leave out {match[0]} and the rest")
        if kind == "number" and (more := _MORE_OF_A_WORD.match(text, match.end())):
            mistake(offset, f"{(match[0] + more[0])[:40]} is no number; write one as in JSON")
        if kind != "space":
            found.append(_Lexeme(kind, match[0], offset))
        offset = match.end()
    return found


class _Reader:
    """Goes through the lexemes once, knowing whether a field or value must come next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lexemes = _lexemes(text)
        self._next = 0
        self._words = Words()
        self._open: list[_Parenthesis] = []
        self._nots = 0  # directly before this place

    def read(self) -> Words:
        if not self._lexemes:
            mistake(0, "the filter is blank")
        while self._next < len(self._lexemes):
            lexeme = self._lexemes[self._next]
            self._next += 1
            if self._wants_operand():
                self._read_operand(lexeme)
            else:
                self._read_join(lexeme)
        if self._wants_operand():
            mistake(len(self._text), "the filter ends where a field or a value must follow")
        if self._last() == TokenType.NOT:
            mistake(len(self._text), "the filter ends where IN, LIKE or BETWEEN must follow NOT")
        if self._open:
            mistake(self._open[-1].offset, "this parenthesis is never closed")
        return self._words

    def _last(self, back: int = 1) -> TokenType | None:
        tokens = self._words.tokens
        return tokens[-back].token_type if len(tokens) >= back else None

    def _wants_operand(self) -> bool:
        """Tell whether a field or value comes next, not what stands between two."""
        last = self._last()
        if last == TokenType.NOT and self._last(2) in {*_OPERANDS, TokenType.R_PAREN}:
            return False  # field NOT IN ...
        return last not in {*_OPERANDS, TokenType.R_PAREN}

    def _read_operand(self, lexeme: _Lexeme) -> None:
        """Read what can start a condition or follow an operator."""
        kind, text, offset = lexeme
        word = text.upper() if kind == "word" else ""
        if self._last() == TokenType.IN and text != "(":
            mistake(offset, IN_LIST)
        if text == "(":
            self._enter(offset)
        elif word == "NOT":
            self._nots += 1
            self._check_nesting(offset)
            self._add(TokenType.NOT, lexeme)
        elif word == "NULL":
            self._add(TokenType.NULL, lexeme)
        elif word in BOOLEANS:
            self._add_constant(offset, BOOLEANS[word])
        elif kind == "string":
            self._add_constant(offset, text[1:-1].replace("''", "'"))
        elif kind == "number" or self._is_minus(text):
            self._read_number(lexeme)
        elif kind in {"word", "quoted"} and word not in _WORDS:
            self._read_name(lexeme)
        elif text == ")" and self._last() == TokenType.L_PAREN:
            mistake(offset, "there is nothing in these parentheses")
        else:
            hint = _HINTS.get(text, "a field or a value must come here")
            mistake(offset, f"{hint}, not {lexeme.shown}" if text not in _HINTS else hint)

    def _read_join(self, lexeme: _Lexeme) -> None:
        """Read what can follow a field, a value or a closing parenthesis."""
        kind, text, offset = lexeme
        token = _WORDS.get(text.upper()) if kind == "word" else _SYMBOLS.get(text)
        if self._last() == TokenType.NOT and token not in _CAN_BE_NEGATED:
            mistake(offset, "after a field, NOT is followed by IN, LIKE or BETWEEN")
        if token == TokenType.L_PAREN and self._last() == TokenType.IDENTIFIER:
            mistake(
                self._words.names[-1].offset,
                f"there are no functions in a filter; compare a field with {OPERATORS}",
            )
        if token == TokenType.R_PAREN:
            if not self._open:
                mistake(offset, "this parenthesis was never opened")
            self._open.pop()
        elif token == TokenType.COMMA and not (self._open and self._open[-1].is_list):
            mistake(offset, "a comma stands between values of IN; join conditions with AND or OR")
        elif token is None or (token != TokenType.NOT and token not in _JOINS):
            self._refuse_join(lexeme)
        self._nots = 0
        self._add(token, lexeme)

    def _refuse_join(self, lexeme: _Lexeme) -> NoReturn:
        if hint := _HINTS.get(lexeme.text):
            mistake(lexeme.offset, hint)
        last = self._last()
        if last == TokenType.IDENTIFIER:
            wanted = OPERATORS
            name = self._words.names[-1]
            if isinstance(name.operand, Field) and (
                hint := _BEYOND.get(name.operand.path[0].upper())
            ):
                mistake(name.offset, hint)
        elif last == TokenType.NULL:
            wanted = "AND, OR or the end"
        else:
            wanted = "an operator, AND, OR or the end"
        mistake(lexeme.offset, f"{wanted} must come here, not {lexeme.shown}")

    def _enter(self, offset: int) -> None:
        is_list = self._last() == TokenType.IN
        self._open.append(_Parenthesis(offset, 1 + self._nots, is_list))
        self._nots = 0
        self._check_nesting(offset)
        self._words.tokens.append(_token(TokenType.L_PAREN, "(", offset))

    def _check_nesting(self, offset: int) -> None:
        if sum(one.levels for one in self._open) + self._nots > MAX_NESTING:
            mistake(offset, f"parentheses and NOT are nested deeper than {MAX_NESTING} levels")

    def _add(self, type: TokenType, lexeme: _Lexeme) -> None:
        self._words.tokens.append(_token(type, lexeme.text, lexeme.offset))

    def _add_constant(self, offset: int, value: Value) -> None:
        index = str(len(self._words.constants))
        self._words.constants.append(Constant(offset, value))
        self._words.tokens.append(_token(TokenType.NUMBER, index, offset))

    def _is_minus(self, text: str) -> bool:
        return (
            text == "-"
            and self._next < len(self._lexemes)
            and self._lexemes[self._next].kind == "number"
        )

    def _read_number(self, lexeme: _Lexeme) -> None:
        text = lexeme.text
        if text == "-":
            text += self._lexemes[self._next].text
            self._next += 1
        if len(text.lower().partition("e")[2].lstrip("+-0")) > MAX_EXPONENT_DIGITS:
            mistake(
                lexeme.offset, f"the number's exponent has more than {MAX_EXPONENT_DIGITS} digits"
            )
        self._add_constant(lexeme.offset, exact(text))

    def _read_name(self, first: _Lexeme) -> None:
        """Read a name and all that is joined to it by dots."""
        path = [_name_of(first)]
        while self._next < len(self._lexemes) and self._lexemes[self._next].text == ".":
            dot = self._lexemes[self._next].offset
            after = self._lexemes[self._next + 1 : self._next + 2]
            if not after or after[0].kind not in {"word", "quoted"}:
                mistake(dot, "a name must follow this dot, in double quotes unless it is a word")
            path.append(_name_of(after[0]))
            self._next += 2
        index = str(len(self._words.names))
        self._words.names.append(Name(first.offset, _operand(first, tuple(path))))
        self._words.tokens.append(_token(TokenType.IDENTIFIER, index, first.offset))


def _name_of(lexeme: _Lexeme) -> str:
    if lexeme.kind == "word":
        return lexeme.text
    quote = lexeme.text[0]
    return lexeme.text[1:-1].replace(quote * 2, quote)


def _operand(first: _Lexeme, path: tuple[str, ...]) -> Operand:
    if path == ("id",):
        return ExampleId()
    if hint := _MANAGED.get(path[0]):
        mistake(first.offset, hint)
    if first.text != "annotation" or len(path) == 1:  # "annotation" in quotes is a field
        return Field(path)
    if len(path) == 3:
        for part in _PARTS:
            if path[2] == part:
                return AnnotationPart(path[1], part)
    mistake(
        first.offset,
        "write annotation.<name>.score, .label or .text, with a name that is not a word in "
        'double quotes; a field named annotation is written "annotation"',
    )


def _token(type: TokenType, text: str, offset: int) -> Token:
    return Token(type, text, line=1, col=offset + 1, start=offset, end=offset)
