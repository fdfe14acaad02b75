"""What a schema may be, so that it is safe to look at any example with it.

Nothing is read from outside: a `$ref` is `#` or a JSON pointer into the schema itself.

The cost (`cost.py`) is first how many subschemas may look at one value of an example and at all
that it lies in: along `allOf`, `anyOf` and the like the costs of the parts add up, of the members
of `properties` the greatest counts, since a value is one of them. So a schema whose references
double from step to step, or one that calls itself twice for one value, is over `MAX_SCHEMA_COST`;
a tree is not.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import unquote

from exempla.errors import ValidationError
from exempla.limits import MAX_NESTING, MAX_PATTERNS, MAX_SCHEMA_COST
from exempla.schemas import cost
from exempla.schemas.cost import NOTHING, Cost, Node, members_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_LISTS_IN_PLACE = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("not", "if", "then", "else")
_MAPS_IN_PLACE = ("dependentSchemas", "dependencies")
_EACH = ("unevaluatedProperties", "propertyNames", "unevaluatedItems", "contains")
_REST = ("additionalProperties", "items")
"""They look at what `properties` and `prefixItems` do not."""
_APART = ("$defs", "definitions")
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")

_UNEVALUATED_FACTOR = 4
"""What is below is looked at again to know what it has evaluated (measured: at most 3 times)."""


class _Edges(NamedTuple):
    """Where a subschema leads, each a pointer step and a subschema."""

    in_place: list[tuple[str, Node]]
    """Those that look at the same value."""
    each: list[tuple[str, Node]]
    """Those that may all look at one member or item of the value."""
    either: list[tuple[str, Node]]
    """Those of which one at most looks at a member or item."""
    apart: list[tuple[str, Node]]
    """Definitions, which look at nothing."""


def check(root: Node) -> Cost:
    """Return what a schema costs.

    Raises `ValidationError` for what is not allowed in one, saying where it is.
    """
    graph, pointers = _reachable(root)
    patterns = sum(
        ("pattern" in node) + len(members_of(node, "patternProperties"))
        for node, _ in graph.values()
    )
    if patterns > MAX_PATTERNS:
        raise ValidationError(f"schema has {patterns} patterns; at most {MAX_PATTERNS} are allowed")
    return _cost(root, graph, _order(graph, pointers))


def pointer(steps: list[str | int]) -> str:
    """Write a JSON pointer (RFC 6901); "" is the whole."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


Graph = dict[int, tuple[Node, _Edges]]
"""Every subschema that can be reached, by its `id()`."""


def _reachable(root: Node) -> tuple[Graph, dict[int, str]]:
    """Follow all that leads from the root; refuse references that lead out of it."""
    graph: Graph = {}
    pointers = {id(root): ""}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in graph:
            continue
        where = pointers[id(node)]
        _check_words(node, where, node is root)
        edges = _edges(root, node, where)
        graph[id(node)] = node, edges
        for step, target in [part for group in edges for part in group]:
            pointers.setdefault(id(target), step if step.startswith("#") else where + step)
            waiting.append(target)
    return graph, pointers


def _check_words(node: Node, where: str, is_root: bool) -> None:
    if is_root and str(node.get("$schema", DIALECT)).rstrip("#") != DIALECT:
        raise ValidationError(f"schema.$schema must be {DIALECT!r}, or left out")
    for word in ("$schema", "$id") if not is_root else ():
        if word in node:
            raise _refused(where, f"{word} is allowed at the top alone")
    for word in ("$dynamicRef", "$recursiveRef"):
        if word in node:
            raise _refused(where, f"{word} is not supported; use $ref")


def _edges(root: Node, node: Node, where: str) -> _Edges:
    in_place = [
        *_listed(node, *_LISTS_IN_PLACE),
        *_single(node, *_IN_PLACE),
        *_mapped(node, *_MAPS_IN_PLACE),
    ]
    if "$ref" in node:
        in_place += _referred(root, node["$ref"], where)
    return _Edges(
        in_place,
        [*_mapped(node, "patternProperties"), *_single(node, *_EACH)],
        [*_mapped(node, "properties"), *_listed(node, "prefixItems"), *_single(node, *_REST)],
        _mapped(node, *_APART),
    )


def _referred(root: Node, reference: object, where: str) -> list[tuple[str, Node]]:
    if not (isinstance(reference, str) and (reference == "#" or reference.startswith("#/"))):
        raise _refused(where, "$ref must be # or #/..., a place in this schema: nothing is fetched")
    found: Any = root
    for step in unquote(reference[1:]).split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(step)] if step.isdecimal() and int(step) < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return []
    if not isinstance(found, dict):
        raise _refused(where, f"$ref: there is no schema at {reference!r}")
    return [(reference, found)]


def _single(node: Node, *words: str) -> list[tuple[str, Node]]:
    return [(f"/{word}", node[word]) for word in words if isinstance(node.get(word), dict)]


def _listed(node: Node, *words: str) -> list[tuple[str, Node]]:
    return [
        (f"/{word}/{index}", one)
        for word in words
        if isinstance(node.get(word), list)
        for index, one in enumerate(node[word])
        if isinstance(one, dict)
    ]


def _mapped(node: Node, *words: str) -> list[tuple[str, Node]]:
    return [
        (pointer([word, name]), one)
        for word in words
        for name, one in members_of(node, word).items()
        if isinstance(one, dict)
    ]


def _order(graph: Graph, pointers: dict[int, str]) -> list[int]:
    """Return all subschemas, each after those that look at the same value for it."""
    order: list[int] = []
    begun: set[int] = set()
    done: set[int] = set()
    for start in graph:
        stack = [start]
        while stack:
            one = stack[-1]
            if one in done:
                stack.pop()
                continue
            waiting = [id(t) for _, t in graph[one][1].in_place if id(t) not in done]
            if not waiting:
                done.add(one)
                order.append(stack.pop())
                continue
            begun.add(one)
            if any(target in begun for target in waiting):
                raise _refused(pointers[one], "it refers to itself for the same value, endlessly")
            stack += waiting
    return order


def _cost(root: Node, graph: Graph, order: list[int]) -> Cost:
    own = {one: cost.of_node(graph[one][0]) for one in order}
    costs = dict.fromkeys(order, NOTHING)
    for _ in range(MAX_NESTING + 2):  # one more level of the example each time
        deeper = dict[int, Cost]()
        for one in order:
            node, edges = graph[one]
            found = own[one]
            for _, target in edges.in_place:
                found = found.plus(deeper[id(target)])
            if any(word in node for word in _UNEVALUATED):
                found = found.times(_UNEVALUATED_FACTOR)
            for _, target in edges.each:
                found = found.plus(costs[id(target)])
            if edges.either:
                found = found.plus(_dearest([costs[id(target)] for _, target in edges.either]))
            deeper[one] = found
        if deeper[id(root)].looks > MAX_SCHEMA_COST:
            raise ValidationError(
                "schema costs too much: one value of an example may be looked at by "
                f"{MAX_SCHEMA_COST} subschemas at most; use fewer alternatives (an enum of strings "
                "costs little), or fewer references to what has references itself"
            )
        if deeper == costs:
            break
        costs = deeper
    return costs[id(root)]


def _dearest(costs: list[Cost]) -> Cost:
    return Cost(*map(max, zip(*costs, strict=True)))


def _refused(where: str, why: str) -> ValidationError:
    place = repr(where) if where else "the top"
    return ValidationError(f"schema is not allowed at {place}: {why}")
