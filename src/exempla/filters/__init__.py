"""The filter language of example search.

A filter is one condition, in the words of SQL's WHERE::

    topic = 'rivers' AND (difficulty > 4 OR meta.source IN ('a', 'b')) AND answer IS NOT NULL

Grammar (words of the language in any case; comments, functions and arithmetic do not exist)::

    condition  = condition OR condition | condition AND condition | NOT condition
               | ( condition )
               | operand (= | != | <> | < | <= | > | >=) value     (or value first)
               | operand [NOT] IN ( value, ... )
               | operand [NOT] LIKE string
               | operand [NOT] BETWEEN value AND value
               | operand IS [NOT] NULL
    operand    = name { . name }     a field of the example, or a path into objects in it
               | id                  the example's id
               | annotation . name . (score | label | text)
    name       = letters, digits and _ | "any characters" | `any characters`
    value      = 'string' | number as in JSON | TRUE | FALSE

A quote in a string or a name is doubled; backslashes mean themselves. NOT binds more tightly
than AND, AND more than OR.

A condition is true or false, never unknown:

- A comparison is true only where the operand is there and has the value's JSON type (string,
  number or boolean); `!=` is true for another value of the same type. So a missing field, null,
  an object, a list or a value of another type makes every comparison false, `!=` too.
- `NOT` turns true into false and false into true; `NOT IN`, `NOT LIKE` and `NOT BETWEEN` are
  `NOT (... IN ...)` and so on, and hold where the operand is missing.
- `IS NULL` is true for a missing operand and for null.
- Strings are compared by code points, numbers by their exact value, however large; booleans have
  no order.
- `LIKE` describes a whole string: `%` stands for any characters, `_` for one; case counts, and
  there is no escape character.
- Of a name that an object has twice, the last one counts, as in Python.

`parse` reads a filter, `matcher` decides on examples. `narrow_sqlite` and `narrow_postgres` say
in SQL what a match must at least be, so that the database can skip most examples that are none.
"""

from exempla.errors import Unavailable
from exempla.filters.evaluate import Annotation, Annotations, Matcher, matcher
from exempla.filters.expressions import Filter
from exempla.filters.names import as_name
from exempla.filters.narrow_postgres import narrow_postgres
from exempla.filters.narrow_sqlite import narrow_sqlite

__all__ = [
    "Annotation",
    "Annotations",
    "Filter",
    "Matcher",
    "as_name",
    "matcher",
    "narrow_postgres",
    "narrow_sqlite",
    "parse",
]


def parse(text: str) -> Filter:
    """Return the filter that a text means.

    The parser is loaded with the first filter, since it takes 9 MiB and 0.1 s. Raises
    `InvalidRequest` for anything else, which says at which character the mistake is and what would
    be right, and `Unavailable` when the parser cannot be loaded.
    """
    try:
        from exempla.filters import grammar
    except (OSError, ImportError) as error:  # no more files can be opened
        raise Unavailable("the server cannot read filters now; try again") from error
    return grammar.parse(text)
