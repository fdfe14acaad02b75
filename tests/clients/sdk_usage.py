"""Scenarios of the `arize` SDK in which the server does what the user asks for."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from tests.clients.sdk_support import (
    SPACE,
    Client,
    create,
    fields,
    ids,
    numbered,
    pages,
    refusal,
    rows,
    same,
    same_json,
    scenario,
    scenario_only_in,
    snapshot,
    unique,
    version_ids,
)

UNKNOWN_EXAMPLE = "01890000-0000-7000-8000-000000000000"

VALUES: dict[str, object] = {
    "text": "plain",
    "empty": "",
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "one_float": 1.0,
    "negative_zero": -0.0,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "third": 1 / 3,
    "over_64_bits": 2**64 + 1,
    "many_digits": -(10**60) - 7,
    "list": [1, "two", None, [], {}, [[3.0]]],
    "object": {"z": 1, "a": {"b": None, "c": [{"d": "deep"}]}, "": "empty key"},
    "escapes": 'quote " backslash \\ slash / tab \t newline \n return \r bell \x07',
    "nul": "before\x00after",
    "unicode": "Größe 数据 Ελλάδα العربية 🧪👩‍🔬 e\u0301 \u2028 \ufeff \U0010ffff",
    "größe 数据 🧪": "a name outside ASCII",
    "two words; 'quoted' \"names\"": "a name that is no identifier",
    "text as JSON": '{"not": ["parsed"]}',
}


@scenario
def find_the_default_space(client: Client) -> None:
    listed = [s for s in client.spaces.list(name=SPACE).spaces if s.name == SPACE]
    same(len(listed), 1)
    assert listed[0].created_at.tzinfo is not None
    same(client.spaces.get(space=SPACE), listed[0])
    same(client.spaces.get(space=listed[0].id), listed[0])


@scenario
def find_the_default_organization(client: Client) -> None:
    listed = client.organizations.list(name=SPACE).organizations
    found = [organization for organization in listed if organization.name == SPACE]
    same(len(found), 1)
    same(client.organizations.get(organization=SPACE), found[0])
    spaces = client.spaces.list(organization_id=found[0].id, name=SPACE).spaces
    same([space.name for space in spaces if space.name == SPACE], [SPACE])


@scenario
def create_in_a_space_given_by_name(client: Client) -> None:
    _create(client, SPACE)


@scenario
def create_in_a_space_given_by_id(client: Client) -> None:
    _create(client, client.spaces.get(space=SPACE).id)


def _create(client: Client, space: str) -> None:
    name = unique("capitals")
    examples: list[dict[str, object]] = [
        {"question": "The capital of Peru?", "answer": "Lima"},
        {"question": "The capital of Kenya?", "answer": "Nairobi", "hard": True},
    ]
    made = client.datasets.create(name=name, space=space, examples=examples)
    same(made.name, name)
    same(made.space_id, client.spaces.get(space=SPACE).id)
    same(len(made.versions), 1)
    same(made.versions[0].dataset_id, made.id)
    assert made.versions[0].name.strip(), "the first version has no name"
    assert made.created_at.utcoffset() == timedelta(0), made.created_at
    same(client.datasets.get(dataset=made.id), made)
    same_json(fields(client, made.id), examples)


@scenario
def live_with_a_dataset_given_by_id(client: Client) -> None:
    _live_with_a_dataset(client, lambda dataset: {"dataset": dataset.id})


@scenario
def live_with_a_dataset_given_by_name_in_a_space_given_by_name(client: Client) -> None:
    _live_with_a_dataset(client, lambda dataset: {"dataset": dataset.name, "space": SPACE})


@scenario
def live_with_a_dataset_given_by_name_in_a_space_given_by_id(client: Client) -> None:
    _live_with_a_dataset(
        client, lambda dataset: {"dataset": dataset.name, "space": dataset.space_id}
    )


def _live_with_a_dataset(client: Client, address: Callable[[Any], dict[str, str]]) -> None:
    """Call every method of the datasets client on a dataset addressed in one way."""
    dataset = create(client, numbered(2))
    where = address(dataset)
    same(client.datasets.get(**where), dataset)
    first, second = [example.id for example in client.datasets.list_examples(**where).examples]
    appended = client.datasets.append_examples(**where, examples=[{"n": 2}])
    same((appended.id, appended.name), (dataset.id, dataset.name))
    client.datasets.update_examples(**where, examples=[{"id": first, "n": "zero"}])
    named = client.datasets.update_examples(
        **where, examples=[{"id": second, "n": "one"}], new_version="second"
    )
    deleted = client.datasets.delete_examples(
        **where, dataset_version_id=named.dataset_version_id, examples=appended.example_ids
    )
    same(deleted.deleted_example_ids, appended.example_ids)
    same([row["n"] for row in fields(client, dataset.id)], ["zero", "one"])
    renamed = client.datasets.update(**where, name=unique("renamed"))
    same(renamed.id, dataset.id)
    same(client.datasets.get(**address(renamed)).name, renamed.name)
    client.datasets.delete(**address(renamed))
    refusal(404, client.datasets.get, dataset=dataset.id)


@scenario
def read_back_every_kind_of_value(client: Client) -> None:
    dataset = create(client, [VALUES])
    found = rows(client, dataset.id)[0]
    same_json(found.additional_properties, VALUES)
    same(found.annotations, None)
    appended = client.datasets.append_examples(dataset=dataset.id, examples=[VALUES]).example_ids
    client.datasets.update_examples(dataset=dataset.id, examples=[{"id": found.id, **VALUES}])
    same_json(fields(client, dataset.id), [VALUES, VALUES])
    same(ids(client, dataset.id), [found.id, *appended])


@scenario
def read_back_deep_nesting(client: Client) -> None:
    value: object = "bottom"
    for level in range(99):
        value = [value] if level % 2 else {"down": value}
    dataset = create(client, [{"value": value}])
    same_json(fields(client, dataset.id), [{"value": value}])


@scenario
def create_from_a_data_frame(client: Client) -> None:
    columns = {"n": [1, 2], "share": [0.5, 1.0], "question": ["Why?", "Wie groß?"]}
    frame = importlib.import_module("pandas").DataFrame(columns)
    dataset = client.datasets.create(name=unique("frame"), space=SPACE, examples=frame)
    client.datasets.append_examples(dataset=dataset.id, examples=frame)
    expected = [
        {"n": 1, "share": 0.5, "question": "Why?"},
        {"n": 2, "share": 1.0, "question": "Wie groß?"},
    ]
    same_json(fields(client, dataset.id), [*expected, *expected])


@scenario_only_in("8.61", "before, the SDK sent a missing number as NaN, which is not JSON")
def missing_numbers_of_a_data_frame_become_null(client: Client) -> None:
    frame = importlib.import_module("pandas").DataFrame({"share": [0.5, math.nan]})
    dataset = client.datasets.create(name=unique("frame"), space=SPACE, examples=frame)
    same(fields(client, dataset.id), [{"share": 0.5}, {"share": None}])


@scenario
def write_a_thousand_examples_in_one_request(client: Client) -> None:
    dataset = create(client, numbered(1000))
    client.datasets.append_examples(dataset=dataset.id, examples=numbered(1000, 1000))
    same([row["n"] for row in fields(client, dataset.id)], list(range(2000)))
    changed = ids(client, dataset.id)[500:1500]
    answer = client.datasets.update_examples(
        dataset=dataset.id, examples=[{"id": id_, "n": -1} for id_ in changed], new_version="half"
    )
    same(answer.example_ids, changed)
    expected = [*range(500), *([-1] * 1000), *range(1500, 2000)]
    same([row["n"] for row in fields(client, dataset.id)], expected)
    client.datasets.delete_examples(
        dataset=dataset.id, dataset_version_id=answer.dataset_version_id, examples=changed
    )
    same([row["n"] for row in fields(client, dataset.id)], [*range(500), *range(1500, 2000)])
    same(len(rows(client, dataset.id, dataset.versions[0].id)), 2000)


@scenario
def list_datasets_page_by_page(client: Client) -> None:
    stem = unique("paged")
    made = [create(client, numbered(1), stem).id for _ in range(5)]
    found: list[Any] = []
    cursor = None
    sizes = []
    while True:
        page = client.datasets.list(name=stem, space=SPACE, limit=2, cursor=cursor)
        sizes.append(len(page.datasets))
        found.extend(page.datasets)
        cursor = page.pagination.next_cursor
        same(page.pagination.has_more, cursor is not None)
        if cursor is None:
            break
    same(sizes, [2, 2, 1])
    same([dataset.id for dataset in found], made[::-1])
    same({dataset.versions is None for dataset in found}, {True})


@scenario
def list_datasets_of_a_space(client: Client) -> None:
    dataset = create(client, numbered(1))
    expected = client.datasets.get(dataset=dataset.id)
    expected.versions = None
    for space in (None, dataset.space_id, SPACE, SPACE[1:].upper()):
        page = client.datasets.list(space=space, name=dataset.name)
        same(page.datasets, [expected])
        same((page.pagination.has_more, page.pagination.next_cursor), (False, None))
    same(client.datasets.list(space=unique("no such space")).datasets, [])
    same(client.datasets.list().datasets[0].id, dataset.id)


@scenario
def list_datasets_by_a_part_of_the_name(client: Client) -> None:
    stem = unique("Part")
    plain = create(client, numbered(1), f"{stem} 100x of aXb").id
    special = create(client, numbered(1), f"{stem} 100% of a_b").id
    assert plain != special
    for part in (stem, stem.lower(), stem.upper()):
        same([d.id for d in client.datasets.list(name=part).datasets], [special, plain])
    for part in (f"{stem} 100%", f"{stem} 100% of a_b"):
        same([d.id for d in client.datasets.list(name=part).datasets], [special])
    same(client.datasets.list(name=f"{stem}%of").datasets, [])


@scenario
def find_a_dataset_whose_name_is_not_ascii(client: Client) -> None:
    dataset = create(client, numbered(1), "Ärztliche Fragen Ωμέγα 数据 🧪")
    same(client.datasets.get(dataset=dataset.name, space=SPACE), dataset)
    found = client.datasets.list(name=dataset.name.swapcase()).datasets
    same([d.id for d in found], [dataset.id])


@scenario
def find_the_dataset_of_exactly_this_name(client: Client) -> None:
    name = unique('O\'Brien & "sons" \\ 50% + a/b?c=d#e; --')
    exact = client.datasets.create(name=name, space=SPACE, examples=numbered(1))
    for other in (f"{name} 2", f"a {name}", name.upper()):
        client.datasets.create(name=other, space=SPACE, examples=numbered(1))
    same(client.datasets.get(dataset=name, space=SPACE).id, exact.id)


@scenario
def give_a_dataset_the_longest_name(client: Client) -> None:
    name = (unique("long") + " " + "ü" * 255)[:255]
    dataset = client.datasets.create(name=name, space=SPACE, examples=numbered(1))
    same(dataset.name, name)
    same(client.datasets.get(dataset=name, space=SPACE).id, dataset.id)


@scenario
def rename_a_dataset(client: Client) -> None:
    before = create(client, numbered(2))
    content = snapshot(client, before.id)
    after = client.datasets.update(dataset=before.id, name=unique("renamed"))
    assert after.updated_at > before.updated_at
    same((after.id, after.created_at), (before.id, before.created_at))
    same(client.datasets.get(dataset=before.id).name, after.name)
    same(client.datasets.list(name=before.name).datasets, [])
    same(snapshot(client, before.id), content)
    again = client.datasets.create(name=before.name, space=SPACE, examples=numbered(1))
    assert again.id != before.id


@scenario
def delete_a_dataset_and_use_its_name_again(client: Client) -> None:
    dataset = create(client, numbered(2))
    same(client.datasets.delete(dataset=dataset.id), None)
    same(client.datasets.list(name=dataset.name).datasets, [])
    again = client.datasets.create(name=dataset.name, space=SPACE, examples=numbered(1))
    assert again.id != dataset.id
    refusal(404, client.datasets.get, dataset=dataset.id)
    same(len(rows(client, again.id)), 1)


@scenario
def list_examples_page_by_page(client: Client) -> None:
    dataset = create(client, numbered(100))
    client.datasets.append_examples(dataset=dataset.id, examples=numbered(20, 100))
    for limit, sizes in ((50, [50, 50, 20]), (40, [40, 40, 40]), (120, [120]), (500, [120])):
        found = pages(client, limit, dataset=dataset.id)
        same([len(page) for page in found], sizes)
        examples = [example for page in found for example in page]
        same([e.additional_properties["n"] for e in examples], list(range(120)))
        same(len({e.id for e in examples}), 120)
        times = [e.created_at for e in examples]
        same(times, sorted(set(times)))
    same(len(client.datasets.list_examples(dataset=dataset.id).examples), 50)


@scenario
def list_examples_of_each_version_page_by_page(client: Client) -> None:
    dataset = create(client, numbered(120))
    known = ids(client, dataset.id)
    client.datasets.update_examples(
        dataset=dataset.id, examples=[{"id": known[60], "n": "sixty"}], new_version="second"
    )
    client.datasets.append_examples(dataset=dataset.id, examples=numbered(5, 120))
    second, first = version_ids(client, dataset.id)
    changed = [*range(60), "sixty", *range(61, 125)]
    for version, expected in ((first, list(range(120))), (second, changed), (None, changed)):
        found = pages(client, 50, dataset=dataset.id, dataset_version_id=version)
        examples = [example for page in found for example in page]
        same([e.additional_properties["n"] for e in examples], expected)
        same([e.id for e in examples[:120]], known)


@scenario
def write_while_listing_page_by_page(client: Client) -> None:
    dataset = create(client, numbered(100))
    page = client.datasets.list_examples(dataset=dataset.id, limit=50)
    seen = [example.additional_properties["n"] for example in page.examples]
    client.datasets.append_examples(dataset=dataset.id, examples=numbered(10, 100))
    client.datasets.delete_examples(
        dataset=dataset.id,
        dataset_version_id=dataset.versions[0].id,
        examples=[page.examples[0].id, page.examples[49].id],
    )
    while page.pagination.next_cursor:
        page = client.datasets.list_examples(
            dataset=dataset.id, limit=50, cursor=page.pagination.next_cursor
        )
        seen.extend(example.additional_properties["n"] for example in page.examples)
    same(seen, list(range(110)))


@scenario
def append_examples(client: Client) -> None:
    dataset = create(client, numbered(2))
    before = snapshot(client, dataset.id)
    answer = client.datasets.append_examples(dataset=dataset.id, examples=numbered(3, 2))
    same((answer.id, answer.name), (dataset.id, dataset.name))
    same((answer.space_id, answer.created_at), (dataset.space_id, dataset.created_at))
    same(answer.dataset_version_id, dataset.versions[0].id)
    assert answer.updated_at > dataset.updated_at
    same(ids(client, dataset.id)[2:], answer.example_ids)
    same(snapshot(client, dataset.id)[:2], before)
    same_json(fields(client, dataset.id), numbered(5))
    same(version_ids(client, dataset.id), [dataset.versions[0].id])


@scenario
def append_examples_to_an_old_version(client: Client) -> None:
    dataset, old, new = _two_versions(client)
    before = snapshot(client, dataset, new)
    answer = client.datasets.append_examples(
        dataset=dataset, dataset_version_id=old, examples=[{"n": "late"}]
    )
    same(answer.dataset_version_id, old)
    same([row["n"] for row in fields(client, dataset, old)], [0, 1, 2, "late"])
    same(snapshot(client, dataset, new), before)
    same(snapshot(client, dataset), before)
    same(version_ids(client, dataset), [new, old])


def _two_versions(client: Client) -> tuple[str, str, str]:
    """Make a dataset whose second version differs in the second of three examples."""
    dataset = create(client, numbered(3))
    second = ids(client, dataset.id)[1]
    answer = client.datasets.update_examples(
        dataset=dataset.id, examples=[{"id": second, "n": "changed"}], new_version="second"
    )
    return dataset.id, dataset.versions[0].id, answer.dataset_version_id


@scenario
def update_examples_in_place(client: Client) -> None:
    examples: list[dict[str, object]] = [{"n": 0, "tags": {"a": 1, "b": 2}}, {"n": 1}, {"n": 2}]
    dataset = create(client, examples)
    before = rows(client, dataset.id)
    first, second, third = [example.id for example in before]
    answer = client.datasets.update_examples(
        dataset=dataset.id,
        examples=[{"id": third, "n": None}, {"id": first, "tags": {"c": 3}, "note": "new"}],
    )
    same(answer.example_ids, [third, first])
    same((answer.id, answer.name, answer.space_id), (dataset.id, dataset.name, dataset.space_id))
    same(answer.dataset_version_id, dataset.versions[0].id)
    after = rows(client, dataset.id)
    same([example.id for example in after], [first, second, third])
    expected = [{"n": 0, "tags": {"c": 3}, "note": "new"}, {"n": 1}, {"n": None}]
    same([example.additional_properties for example in after], expected)
    same([e.created_at for e in after], [e.created_at for e in before])
    changed = [new.updated_at > old.updated_at for new, old in zip(after, before, strict=True)]
    same(changed, [True, False, True])
    same(version_ids(client, dataset.id), [dataset.versions[0].id])


@scenario
def set_a_field_to_null_and_back(client: Client) -> None:
    dataset = create(client, [{"answer": "Lima", "other": None}])
    known = ids(client, dataset.id)[0]
    for value in (None, "Lima", None, {"city": None}):
        client.datasets.update_examples(
            dataset=dataset.id, examples=[{"id": known, "answer": value}]
        )
        same(fields(client, dataset.id), [{"answer": value, "other": None}])


@scenario
def update_without_any_field(client: Client) -> None:
    dataset = create(client, numbered(2))
    first = ids(client, dataset.id)[0]
    answer = client.datasets.update_examples(dataset=dataset.id, examples=[{"id": first}])
    same(answer.example_ids, [first])
    same_json(fields(client, dataset.id), numbered(2))


@scenario
def update_into_a_new_version(client: Client) -> None:
    dataset = create(client, numbered(3))
    before = snapshot(client, dataset.id)
    known = ids(client, dataset.id)
    answer = client.datasets.update_examples(
        dataset=dataset.id,
        examples=[{"id": known[2], "n": "two"}, {"id": known[0], "note": None}],
        new_version="reviewed ✓",
    )
    same(answer.example_ids, [known[2], known[0]])
    newest, oldest = client.datasets.get(dataset=dataset.id).versions
    same((newest.id, newest.name), (answer.dataset_version_id, "reviewed ✓"))
    same(newest.dataset_id, dataset.id)
    assert newest.created_at > oldest.created_at
    same(oldest, dataset.versions[0])
    same(snapshot(client, dataset.id, oldest.id), before)
    for version in (newest.id, None):
        same(ids(client, dataset.id, version), known)
        found = fields(client, dataset.id, version)
        same([row["n"] for row in found], [0, 1, "two"])
        same(["note" in row for row in found], [True, False, False])


@scenario
def versions_are_listed_newest_first(client: Client) -> None:
    dataset = create(client, numbered(1))
    known = ids(client, dataset.id)[0]
    names = [f"version {number}" for number in (3, 1, 2)]
    for name in names:
        client.datasets.update_examples(
            dataset=dataset.id, examples=[{"id": known, "n": name}], new_version=name
        )
    found = client.datasets.get(dataset=dataset.id).versions
    same([version.name for version in found], [*names[::-1], dataset.versions[0].name])
    times = [version.created_at for version in found]
    same(times, sorted(set(times), reverse=True))
    expected: list[object] = [*names[::-1], 0]
    same([fields(client, dataset.id, version.id)[0]["n"] for version in found], expected)


@scenario
def update_an_old_version_in_place(client: Client) -> None:
    dataset, old, new = _two_versions(client)
    newest = client.datasets.update_examples(
        dataset=dataset, examples=[{"id": ids(client, dataset)[2], "n": "2"}], new_version="third"
    ).dataset_version_id
    later = [snapshot(client, dataset, version) for version in (new, newest)]
    answer = client.datasets.update_examples(
        dataset=dataset,
        dataset_version_id=old,
        examples=[{"id": id_, "n": "old only"} for id_ in ids(client, dataset)[:2]],
    )
    same(answer.dataset_version_id, old)
    same([row["n"] for row in fields(client, dataset, old)], ["old only", "old only", 2])
    same([snapshot(client, dataset, version) for version in (new, newest)], later)
    same(snapshot(client, dataset), later[-1])
    same(version_ids(client, dataset), [newest, new, old])


@scenario
def update_an_old_version_into_a_new_one(client: Client) -> None:
    dataset, old, new = _two_versions(client)
    client.datasets.append_examples(dataset=dataset, examples=[{"n": "only in the second"}])
    before = [snapshot(client, dataset, version) for version in (old, new)]
    answer = client.datasets.update_examples(
        dataset=dataset,
        dataset_version_id=old,
        examples=[{"id": ids(client, dataset)[2], "n": "branched"}],
        new_version="from the first",
    )
    branched = answer.dataset_version_id
    same(version_ids(client, dataset), [branched, new, old])
    same([snapshot(client, dataset, version) for version in (old, new)], before)
    same([row["n"] for row in fields(client, dataset)], [0, 1, "branched"])
    same(snapshot(client, dataset, branched)[:2], before[0][:2])


@scenario
def update_examples_that_do_not_exist(client: Client) -> None:
    dataset = create(client, numbered(2))
    first = ids(client, dataset.id)[0]
    stranger = ids(client, create(client, numbered(1)).id)[0]
    answer = client.datasets.update_examples(
        dataset=dataset.id,
        examples=[
            {"id": UNKNOWN_EXAMPLE, "n": "unknown"},
            {"id": first, "n": "first"},
            {"id": stranger, "n": "of another dataset"},
            {"id": "not even a uuid ✗", "n": "odd"},
        ],
    )
    same(answer.example_ids, [first])
    same([row["n"] for row in fields(client, dataset.id)], ["first", 1])
    answer = client.datasets.update_examples(
        dataset=dataset.id, examples=[{"id": UNKNOWN_EXAMPLE, "n": 9}], new_version="unchanged"
    )
    same(answer.example_ids, [])
    newest, oldest = client.datasets.get(dataset=dataset.id).versions
    same((newest.id, newest.name), (answer.dataset_version_id, "unchanged"))
    same(snapshot(client, dataset.id, newest.id), snapshot(client, dataset.id, oldest.id))
    same([row["n"] for row in fields(client, dataset.id)], ["first", 1])


@scenario
def update_different_fields_at_the_same_time(client: Client) -> None:
    dataset = create(client, [{"n": 0}])
    known = ids(client, dataset.id)[0]

    def write(number: int) -> None:
        client.datasets.update_examples(
            dataset=dataset.id, examples=[{"id": known, f"field {number}": number}]
        )

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(12)))
    same(fields(client, dataset.id), [{"n": 0} | {f"field {n}": n for n in range(12)}])


@scenario
def delete_examples_of_one_version(client: Client) -> None:
    dataset, old, new = _two_versions(client)
    first, second, third = ids(client, dataset)
    before = snapshot(client, dataset, old)
    answer = client.datasets.delete_examples(
        dataset=dataset, dataset_version_id=new, examples=[third, UNKNOWN_EXAMPLE, first]
    )
    same(answer.completed, True)
    same(sorted(answer.deleted_example_ids), sorted([first, third]))
    same(answer.not_deleted_example_ids, [UNKNOWN_EXAMPLE])
    same(ids(client, dataset), [second])
    same(snapshot(client, dataset, old), before)
    client.datasets.delete_examples(dataset=dataset, dataset_version_id=old, examples=[second])
    same(ids(client, dataset, old), [first, third])
    same(ids(client, dataset, new), [second])
    same(version_ids(client, dataset), [new, old])


@scenario
def delete_examples_twice(client: Client) -> None:
    dataset = create(client, numbered(3))
    known = ids(client, dataset.id)
    call = {"dataset": dataset.id, "dataset_version_id": dataset.versions[0].id}
    client.datasets.delete_examples(**call, examples=known[:2])
    again = client.datasets.delete_examples(**call, examples=known)
    same(again.completed, True)
    same(again.deleted_example_ids, known[2:])
    same(sorted(again.not_deleted_example_ids), sorted(known[:2]))
    same(rows(client, dataset.id), [])
    answer = client.datasets.update_examples(
        dataset=dataset.id, examples=[{"id": known[0], "n": "back?"}]
    )
    same(answer.example_ids, [])
    client.datasets.append_examples(dataset=dataset.id, examples=[{"n": "anew"}])
    same(fields(client, dataset.id), [{"n": "anew"}])


@scenario
def every_change_moves_the_time_of_the_dataset(client: Client) -> None:
    dataset = create(client, numbered(2))
    first, second = ids(client, dataset.id)
    version = dataset.versions[0].id
    call = {"dataset": dataset.id}
    change = {"id": first, "n": "changed"}
    times = [dataset.updated_at]
    acts: list[Callable[[], object]] = [
        lambda: client.datasets.append_examples(**call, examples=[{"n": 2}]),
        lambda: client.datasets.update_examples(**call, examples=[change]),
        lambda: client.datasets.update_examples(**call, examples=[change], new_version="second"),
        lambda: client.datasets.update_examples(
            **call, dataset_version_id=version, examples=[{"id": first, "n": "old"}]
        ),
        lambda: client.datasets.delete_examples(
            **call, dataset_version_id=version, examples=[second]
        ),
        lambda: client.datasets.update(**call, name=unique("renamed")),
    ]
    for act in acts:
        act()
        times.append(client.datasets.get(dataset=dataset.id).updated_at)
    same(times, sorted(set(times)))
    rows(client, dataset.id)
    same(client.datasets.get(dataset=dataset.id).updated_at, times[-1])
    same(client.datasets.get(dataset=dataset.id).created_at, dataset.created_at)
