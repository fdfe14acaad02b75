"""What makes markup from data: text, words, values, the form of an example, plots, times."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exempla.web import editing, plots, text, times, values, words
from exempla.web.editing import Edited
from exempla.web.forms import Form
from exempla.web.visit import local_path
from exempla.web.words import Comparer

PROSE = st.text(alphabet="ab .\n漢<&", max_size=60)
HIDDEN = "\u202e\u2066\u200b\u200f\ufeff\x07\xad\u2028\U000e0041"


def raw(json: str) -> msgspec.Raw:
    return msgspec.Raw(json.encode())


@given(st.text())
def test_no_markup_and_nothing_hidden_is_left_of_a_text(given_text: str) -> None:
    shown = str(text.isolated(given_text))
    inside = shown.removeprefix("<bdi>").removesuffix("</bdi>")
    without_marks = re.sub(r'<span class="mark" title="[^"<>]*">[^<>]*</span>', "", inside)
    assert not set(without_marks) & set("<>\"'")
    assert not text.has_hidden(shown)
    assert not text.has_hidden(text.plain(given_text))


def test_hidden_characters_are_shown_by_their_names() -> None:
    assert text.plain("a\u202eb\r\u200d\t\n") == "a[RLO]b[CR]\u200d\t\n"
    assert 'title="U+202E RIGHT-TO-LEFT OVERRIDE">RLO<' in text.visible("\u202e")
    for character in HIDDEN:
        assert f"U+{ord(character):04X}" in text.visible(character), hex(ord(character))


@given(PROSE, PROSE)
def test_the_pieces_of_a_comparison_make_both_texts(old: str, new: str) -> None:
    pieces = Comparer().pieces(old, new)
    assert "".join(p.text for p in pieces if p.kind != "new") == old
    assert "".join(p.text for p in pieces if p.kind != "old") == new
    if old == new:
        assert {p.kind for p in pieces} <= {"same"}


def test_words_are_compared_one_by_one() -> None:
    markup = Comparer().markup("In <5 working days, we pay.", "In 14 working days we pay.")
    assert markup == "In <del>&lt;5</del><ins>14</ins> working days<del>,</del> we pay."


def test_what_is_the_same_for_long_is_folded() -> None:
    before, after = "start " * 100, " end" * 20
    markup = Comparer().markup(f"{before}old{after}", f"{before}new{after}")
    head, rest = markup.split('<details class="same"><summary>')
    said, rest = rest.split(" characters as before</summary>")
    middle, tail = rest.split("</details>")
    assert head + middle + tail == f"{before}<del>old</del><ins>new</ins>{after}"
    assert int(said) == len(middle) > len(before) - 2 * words.AROUND
    assert len(head) <= words.AROUND


def test_a_comparison_over_the_budget_is_of_the_whole() -> None:
    comparer = Comparer(budget=10)
    assert "same" in [p.kind for p in comparer.pieces("a b c", "c b a")]
    pieces = comparer.pieces("a b c d", "d c b a")
    assert pieces == [("old", "a b c d"), ("new", "d c b a")]


def test_values_are_shown_as_what_they_are() -> None:
    assert values.in_table(None) == values.MISSING
    assert values.in_table(raw("1e400")) == values.Shown("number", "1e400", False)
    assert values.in_table(raw('"\\u00e9\\n"')).text == "é\n"
    small = values.in_table(raw('{"a" : [1.0, 2]}'))
    assert (small.text, small.is_folded) == ('{"a":[1.0,2]}', False)
    large = values.in_table(raw(f'{{"a":[{",".join(["1.50"] * 100)}]}}'))
    assert large.text.startswith('{\n  "a": [\n    1.50,')
    assert large.is_folded
    assert values.in_table(raw(f'"{"long " * 50_000}"')).text.endswith("…")
    assert values.whole(raw("[1.0]")).text == "[\n  1.0\n]"


def form_of(*fields: Edited) -> Form:
    """Return the form as a browser sends it: line ends are CR LF, read as LF."""
    return Form(
        (f"{part}.{index}", value)
        for index, one in enumerate(fields)
        for part, value in (("name", one.name), ("kind", one.kind), ("value", one.text))
    )


BODY = (
    '{"text":"\\u00e9 \\/ \\n line","n":1.0,"big":1e400,"nested":[ 1, {"b" : 2} ],'
    '"crlf":"a\\r\\nb","empty":"","null":null}'
)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_form_that_was_left_as_it_is_changes_nothing(as_json: bool) -> None:
    seen = editing.unpack(editing.pack(BODY))
    fields = [editing.field(name, value, as_json=as_json) for name, value in seen.items()]
    changed, checked = editing.changes(seen, editing.edited(form_of(*fields)))
    assert changed == {}
    assert [one.wrong for one in checked] == [""] * len(seen)


def test_only_what_was_changed_is_written_and_as_it_was_typed() -> None:
    seen = editing.unpack(editing.pack(BODY))
    fields = [
        Edited("text", "text", 'new\n"text"'),
        Edited("n", "json", " 1.00 "),
        Edited("big", "json", "1e400"),
        Edited("more", "json", "[1,  2]"),
    ]
    changed, _ = editing.changes(seen, fields)
    assert {name: bytes(value) for name, value in changed.items()} == {
        "text": b'"new\\n\\"text\\""',
        "n": b"1.00",
        "more": b"[1,  2]",
    }


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "write a value"),
        ("{\n  'a': 1}", "at line 2, character 3"),
        ("[1, 2", "this is not JSON"),
        ("NaN", "at character 1: invalid character"),
        ('"a', "this is not JSON"),
        ("[" * 101 + "]" * 101, "nested deeper than 100"),
        ("[" * 100_000, "nested deeper than 100"),
        ('"\\ud800"', "this is not JSON"),
    ],
)
def test_what_is_wrong_with_json_is_told_at_its_place(written: str, said: str) -> None:
    changed, (checked,) = editing.changes({}, [Edited("a", "json", written)])
    assert changed == {}
    assert said in checked.wrong


def test_names_that_cannot_be_are_told() -> None:
    old = [Edited("a", "json", "1"), Edited("a", "json", "2"), Edited("id", "json", "3")]
    new = [one._replace(is_new=True) for one in (*old, Edited("s", "json", "4"))]
    for fields in (old, [*old[:1], *new]):
        changed, checked = editing.changes({"s": raw("0")}, fields)
        assert changed == {"a": raw("1")}
        assert [one.wrong == "" for one in checked] == [True, *[False] * (len(fields) - 1)]


def test_an_empty_new_field_is_left_out() -> None:
    names = {"name.0": "a", "value.0": "1", "name.1": "", "value.1": " ", "new.1": "1"}
    sent = Form(names.items())
    assert [one.name for one in editing.edited(sent)] == ["a"]


def test_conflicts_are_fields_that_both_changed_to_something_else() -> None:
    seen = {"a": raw("1"), "b": raw("1"), "c": raw("1")}
    now = {"a": raw("2"), "b": raw("3"), "c": raw("1")}
    changed = {"a": raw("9"), "b": raw("3"), "c": raw("9"), "d": raw("4")}
    assert editing.conflicts(seen, now, changed) == ["a"]
    assert editing.conflicts(seen, now | {"d": raw("5")}, changed) == ["a", "d"]


def test_plots_are_xml_without_styles() -> None:
    for plot in (
        plots.share(0.25, 'a "quarter" & <more>'),
        plots.share(2, ""),
        plots.bars([0, 3, 1], ["a", "b", "<c>"], "Three"),
        plots.bars([], [], "None"),
        plots.lengths([0, 0, 2, 5]),
    ):
        tree = ElementTree.fromstring(plot)
        assert "style" not in plot
        assert (tree.get("role") == "img") == bool(tree.get("aria-label"))
    assert 'width="40.0"' in plots.share(0.25, "")
    titles = [t.text for t in ElementTree.fromstring(plots.lengths([0, 0, 2, 5])).iter("title")]
    assert titles == ["2 of 2 to 3 characters", "5 of 4 to 7 characters"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7_300, "2 hours ago"),
        (86_400 * 400, "1 year ago"),
        (-86_400 * 3, "in 3 days"),
    ],
)
def test_times_are_told(seconds: int, told: str) -> None:
    markup = times.ago(1_000_000_000_000, 1_000_000_000_000 + seconds * 1_000_000)
    assert markup == (
        '<time datetime="1970-01-12T13:46:40.000000Z" title="1970-01-12 13:46:40 UTC">'
        f"{told}</time>"
    )


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nSet-Cookie: b"]
)
def test_no_log_in_leads_to_another_site(path: str) -> None:
    assert local_path(path) == "/"
