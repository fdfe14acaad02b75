"""Parse a filter: sqlglot says what binds to what, an allow-list says what of that is a filter."""

from __future__ import annotations

from typing import NoReturn

from sqlglot import TokenType, exp
from sqlglot.errors import ErrorLevel, ParseError
from sqlglot.parser import Parser

from exempla.filters import lexer
from exempla.filters.expressions import (
    And,
    Compare,
    Condition,
    Filter,
    In,
    IsNull,
    Like,
    Not,
    Operand,
    Operator,
    Or,
)
from exempla.filters.lexer import Constant, Name, Words, mistake

MAX_IN = 1_000
"""Values in one IN."""

_OPERATORS: dict[type[exp.Expression], Operator] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_KNOWN_PARTS = {"this", "expression", "expressions", "low", "high", "negate"}
_TURNED: dict[Operator, Operator] = {
    "=": "=",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}
_BETWEEN = "BETWEEN is followed by two values, as in difficulty BETWEEN 2 AND 4"
_UNCLEAR = "this cannot be understood; put parentheses around each condition"
_NULL = "nothing equals NULL; write IS NULL or IS NOT NULL after the field"


def parse(text: str) -> Filter:
    """Return the filter that a text means; see `filters.parse`."""
    words = lexer.read(text)
    parser = Parser(error_level=ErrorLevel.IMMEDIATE)
    try:
        trees = parser.parse(words.tokens, text)
    except ParseError as error:
        position = error.errors[0].get("col") or 1
        between = any(token.token_type == TokenType.BETWEEN for token in words.tokens)
        mistake(position - 1, _BETWEEN if between else _UNCLEAR)
    except RecursionError:
        mistake(0, "the filter is nested too deeply")
    if len(trees) != 1 or not isinstance(trees[0], exp.Expression):
        mistake(0, "a filter is one condition; join several with AND or OR")
    condition = _Translation(words).condition(trees[0])
    return Filter(condition, frozenset(name.operand for name in words.names))


class _Translation:
    """Turns sqlglot's tree into a condition, node by node, and refuses any other node."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def condition(self, node: exp.Expression) -> Condition:
        """Translate a node that must be a condition."""
        kind = type(node)
        if kind is exp.Paren:
            return self.condition(node.this)
        if kind is exp.Not:
            return Not(self.condition(node.this))
        if kind is exp.And:
            return And(tuple(self.condition(part) for part in _chain(node)))
        if kind is exp.Or:
            return Or(tuple(self.condition(part) for part in _chain(node)))
        if not _has_only_known_parts(node):
            mistake(self._offset(node), _UNCLEAR)
        condition = self._simple(node)
        # Some releases of sqlglot write NOT into the node, for some nodes.
        return Not(condition) if node.args.get("negate") else condition

    def _simple(self, node: exp.Expression) -> Condition:
        kind = type(node)
        if kind in _OPERATORS:
            return self._compare(node, _OPERATORS[kind])
        if kind is exp.In:
            return self._in(node)
        if kind is exp.Like:
            return self._like(node)
        if kind is exp.Is:
            return self._is(node)
        if kind is exp.Between:
            return self._between(node)
        return self._refuse_condition(node)

    def _compare(self, node: exp.Expression, operator: Operator) -> Condition:
        left, right = self._operand(node.this), self._operand(node.expression)
        if isinstance(left, Name) and isinstance(right, Constant):
            return self._ordered(left.operand, operator, right)
        if isinstance(left, Constant) and isinstance(right, Name):
            return self._ordered(right.operand, _TURNED[operator], left)
        if isinstance(left, Name):
            mistake(
                right.offset,
                "a field cannot be compared with another one, only with a string, a number, TRUE "
                "or FALSE; strings are written in single quotes",
            )
        return mistake(left.offset, "two values are compared here; one side must be a field")

    @staticmethod
    def _ordered(operand: Operand, operator: Operator, constant: Constant) -> Condition:
        if isinstance(constant.value, bool) and operator not in ("=", "!="):
            mistake(constant.offset, "TRUE and FALSE have no order; compare them with = or !=")
        return Compare(operand, operator, constant.value)

    def _in(self, node: exp.Expression) -> Condition:
        field = self._field(node.this, "IN")
        items = node.expressions
        if not items:
            mistake(self._offset(node), lexer.IN_LIST)
        if len(items) > MAX_IN:
            mistake(self._offset(items[MAX_IN]), f"IN has more than {MAX_IN:,} values")
        return In(field, tuple(self._constant(item, "IN").value for item in items))

    def _like(self, node: exp.Expression) -> Condition:
        field = self._field(node.this, "LIKE")
        pattern = self._constant(node.expression, "LIKE")
        if not isinstance(pattern.value, str):
            mistake(pattern.offset, "LIKE is followed by a string in single quotes")
        return Like(field, pattern.value)

    def _is(self, node: exp.Expression) -> Condition:
        field = self._field(node.this, "IS")
        if type(node.expression) is not exp.Null:
            mistake(
                self._offset(node.expression),
                "IS is followed by NULL or NOT NULL; compare values with =",
            )
        return IsNull(field)

    def _between(self, node: exp.Expression) -> Condition:
        field = self._field(node.this, "BETWEEN")
        low, high = (self._constant(node.args[bound], "BETWEEN") for bound in ("low", "high"))
        return And((self._ordered(field, ">=", low), self._ordered(field, "<=", high)))

    def _field(self, node: exp.Expression, operator: str) -> Operand:
        found = self._operand(node)
        if not isinstance(found, Name):
            mistake(found.offset, f"a field must stand before {operator}")
        return found.operand

    def _constant(self, node: exp.Expression, operator: str) -> Constant:
        found = self._operand(node)
        if not isinstance(found, Constant):
            mistake(
                found.offset,
                f"{operator} takes values, not fields; strings are written in single quotes",
            )
        return found

    def _operand(self, node: exp.Expression) -> Name | Constant:
        """Return the field or the value that a node is."""
        while type(node) is exp.Paren:
            node = node.this
        if type(node) is exp.Column and len(node.parts) == 1:
            return self._words.names[int(node.name)]
        if type(node) is exp.Literal and not node.is_string:
            return self._words.constants[int(node.name)]
        offset = self._offset(node)
        if type(node) is exp.Null:
            mistake(self._null_offset(), _NULL)
        return mistake(
            offset,
            "a field or a value must come here, not a condition; put parentheses around each "
            "condition and join them with AND or OR",
        )

    def _refuse_condition(self, node: exp.Expression) -> NoReturn:
        offset = self._offset(node)
        if type(node) is exp.Column:
            mistake(
                offset,
                f"compare the field with {lexer.OPERATORS}; of a boolean write field = TRUE",
            )
        mistake(offset, f"a condition must come here: a field, then {lexer.OPERATORS}")

    def _null_offset(self) -> int:
        """Return where the first NULL stands that does not follow IS; sqlglot does not say."""
        after_is = False
        for token in self._words.tokens:
            if token.token_type == TokenType.NULL and not after_is:
                return token.start
            after_is = token.token_type == TokenType.IS or (
                after_is and token.token_type == TokenType.NOT
            )
        return 0

    def _offset(self, node: exp.Expression) -> int:
        """Return where a node starts, as far as its names and values tell."""
        found = [
            int(part.meta["start"])
            for part in node.walk()
            if isinstance(part, exp.Identifier | exp.Literal) and "start" in part.meta
        ]
        if found:
            return min(found)
        return self._offset(node.parent) if isinstance(node.parent, exp.Expression) else 0


def _has_only_known_parts(node: exp.Expression) -> bool:
    return all(name in _KNOWN_PARTS or not part for name, part in node.args.items())


def _chain(node: exp.Expression) -> list[exp.Expression]:
    """Return what a chain of ANDs, or of ORs, joins, from left to right."""
    kind = type(node)
    found: list[exp.Expression] = []
    while type(node) is kind:
        found.append(node.expression)
        node = node.this
    found.append(node)
    return found[::-1]
