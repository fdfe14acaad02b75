"""Make the pictures of the pages anew: `make screenshots`.

Starts a server on a temporary folder, fills it with invented data, and takes the pictures in the
system's Chromium.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright
from tests.serving import Served
from tests.web.chromium import HOW_TO_GET_IT, chromium

from exempla.demo_data import QUESTIONS

PICTURES = Path(__file__).parent / "pages"
SIZE: Any = {"width": 1280, "height": 760}


def main() -> None:
    """Take all pictures."""
    path = chromium()
    if not path:
        raise SystemExit(HOW_TO_GET_IT)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="exempla-pictures-") as folder:
        served = Served.start("--data-dir", folder)
        headers = {"Authorization": f"Bearer {served.key}"}
        with httpx.Client(base_url=served.base_url, headers=headers, timeout=60) as api:
            places = fill(api)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            take(browser, served, places)
            browser.close()
        served.stop()


def fill(api: httpx.Client) -> dict[str, str]:
    """Make a few datasets, and return the parts of the addresses."""
    space = _space(api, "Support")
    dataset = _dataset(api, space, "support questions", _questions())
    examples = f"/v2/datasets/{dataset}/examples"
    ids = [one["id"] for one in api.get(examples, params={"limit": 500}).json()["examples"]]
    for color, name in (("YELLOW", "golden"), ("BLUE", "customer")):
        tag = _post(api, "/v2/tags", name=name, space_id=space, color=color)["id"]
        _post(api, f"/v2/datasets/{dataset}/tags", tag_ids=[tag])
    _configs(api, space)
    verdicts = ["right", "right", "partly", "right", "wrong", "right"]
    values = [
        {"record_id": id, "values": [{"name": "correctness", "label": label}]}
        for id, label in zip(ids, verdicts, strict=False)
    ]
    values[2]["values"] += [{"name": "remark", "text": "Says where, but not how."}]  # type: ignore[operator]
    _post(api, f"{examples}/annotate", annotations=values)
    for name, changes in _versions(ids):
        body = {"examples": changes, "new_version": name}
        api.patch(examples, json=body).raise_for_status()
    _post(api, examples, examples=[{"question": "Do you rent furniture?", "expected": "No."}])
    versions = api.get(f"/api/v1/datasets/{dataset}/versions").json()["versions"]
    first = f"/api/v1/datasets/{dataset}/versions/{versions[-1]['id']}"
    lock = {"locked": True, "description": "What the runs of May were made on."}
    api.patch(first, json=lock).raise_for_status()
    _dataset(api, space, "refund policy, edge cases", _questions()[:9])
    other = _space(api, "Search")
    _dataset(api, other, "queries with typos", _questions() * 12)
    return {"dataset": f"/datasets/{dataset}", "example": ids[2], "base": versions[-1]["id"]}


def _questions() -> list[dict[str, object]]:
    chance = random.Random(4)  # noqa: S311
    return [
        {
            **one,
            "difficulty": chance.randint(1, 5),
            "meta": {"source": chance.choice(["tickets", "chat"]), "seen": chance.randint(1, 900)},
        }
        for one in QUESTIONS
    ]


def _versions(ids: list[str]) -> list[tuple[str, list[dict[str, object]]]]:
    return [
        (
            "reviewed",
            [
                {"id": ids[0], "expected": "Within 30 days of delivery.", "reviewed": True},
                {"id": ids[1], "expected": "Yes, to 40 countries.", "reviewed": True},
                {"id": ids[2], "expected": "Under Orders, then Track.", "reviewed": True},
            ],
        ),
        (
            "new terms of June",
            [
                {
                    "id": ids[9],
                    "expected": "Within three working days after the parcel reached our warehouse.",
                },
                {"id": ids[18], "expected": "Ten years on the frame, five on the rest."},
            ],
        ),
    ]


def _configs(api: httpx.Client, space: str) -> None:
    labels = [("right", 1), ("partly", 0.5), ("wrong", 0)]
    kinds: dict[str, dict[str, object]] = {
        "correctness": {
            "annotation_config_type": "CATEGORICAL",
            "values": [{"label": label, "score": score} for label, score in labels],
        },
        "tone": {
            "annotation_config_type": "CONTINUOUS",
            "minimum_score": 0,
            "maximum_score": 10,
        },
        "remark": {"annotation_config_type": "FREEFORM"},
    }
    for name, settings in kinds.items():
        _post(api, "/v2/annotation-configs", name=name, space_id=space, **settings)


def _space(api: httpx.Client, name: str) -> str:
    organization = api.get("/v2/organizations").json()["organizations"][0]["id"]
    return str(_post(api, "/v2/spaces", name=name, organization_id=organization)["id"])


def _dataset(api: httpx.Client, space: str, name: str, examples: list[dict[str, object]]) -> str:
    made = _post(api, "/v2/datasets", name=name, space_id=space, examples=examples)
    return str(made["id"])


def _post(api: httpx.Client, path: str, **body: object) -> Any:
    answer = api.post(path, json=body)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def take(browser: Browser, served: Served, places: dict[str, str]) -> None:
    """Take the pictures, in light and some in dark."""
    dataset, example, base = places["dataset"], places["example"], places["base"]
    pages = {
        "datasets": "/",
        "table": dataset,
        "table-dark": dataset,
        "example": f"{dataset}/example?id={example}",
        "versions": f"{dataset}/versions",
        "diff-dark": f"{dataset}/diff?base={base}",
        "columns": f"{dataset}/columns",
    }
    for name, path in pages.items():
        scheme: Any = "dark" if name.endswith("-dark") else "light"
        context = browser.new_context(base_url=served.base_url, viewport=SIZE, color_scheme=scheme)
        page = context.new_page()
        _log_in(page, served.key)
        page.goto(path, wait_until="networkidle")
        page.screenshot(path=PICTURES / f"{name}.png")
        context.close()


def _log_in(page: Page, key: str) -> None:
    page.goto("/login")
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")


if __name__ == "__main__":
    main()
