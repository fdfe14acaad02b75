"""What the head of every page of a dataset tells: its name, space and tags, and the version."""

from __future__ import annotations

from typing import NamedTuple

from exempla.api import fields
from exempla.ids import ResourceId, parse_id
from exempla.store import datasets, spaces, tags, versions
from exempla.store.access import Permit
from exempla.store.datasets import Dataset
from exempla.store.listing import FIRST
from exempla.store.spaces import Space
from exempla.store.tags import Tag
from exempla.store.transaction import Transaction
from exempla.store.versions import Details, Version

CHOICES = 200
"""Versions, the newest ones, that a person may choose from in a list."""


class Head(NamedTuple):
    """A dataset, and the version of it that is looked at."""

    dataset: Dataset
    space: Space
    tags: list[Tag]
    details: Details
    choices: list[Version]
    """Versions to look at instead, newest first, if the page has them, and this one."""

    @property
    def version(self) -> Version:
        """The version that is looked at."""
        return self.details.version

    @property
    def is_latest(self) -> bool:
        """Whether that is the latest."""
        return self.version.id.number == self.dataset.latest_version

    @property
    def path(self) -> str:
        """The address of the dataset."""
        return f"/datasets/{self.dataset.id}"

    def pinned(self, asked: str) -> str:
        """Return the version for addresses of the page; see `pin`."""
        return pin(asked, self.version.id, self.dataset.latest_version)


def head(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    *,
    choices: int = CHOICES,
) -> Head:
    """Return the head of a page; of the latest version if none is given."""
    dataset = datasets.get(tx, permit, dataset_id)
    details = versions.details_of(tx, dataset, versions.get(tx, dataset, version_id))
    listed: list[Version] = []
    if choices:
        newest = versions.list_page(tx, permit, dataset_id, before=FIRST, limit=choices)
        listed = [one.version for one in newest]
    if details.version not in listed:
        listed.append(details.version)
    return Head(
        dataset,
        spaces.get(tx, permit, dataset.space_id),
        tags.of_dataset(tx, permit, dataset_id),
        details,
        listed,
    )


def pin(asked: str, version: ResourceId, latest: int) -> str:
    """Return the version for an address: the one asked for, else none if this is the latest.

    An address without one would show another version, once the latest is another.
    """
    return asked or ("" if version.number == latest else str(version))


def dataset_id(text: str) -> ResourceId:
    """Read the id of a dataset in an address."""
    return parse_id(text, "Dataset", "dataset")


def version_id(text: str) -> ResourceId | None:
    """Read the id of a version in an address or a form; "" is the latest."""
    return fields.optional_id(text, "DatasetVersion", "version")
