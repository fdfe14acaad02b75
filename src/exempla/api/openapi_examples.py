"""Examples of request bodies for `/openapi.json`, by the name of the operation."""

from __future__ import annotations

from typing import Any

_SPACE = "U3BhY2U6MTpzVmJkQjdDWE5Y"
_ORGANIZATION = "T3JnYW5pemF0aW9uOjE6a1B4M1JhT2ZXdA=="
_VERSION = "RGF0YXNldFZlcnNpb246MToyclVBTzc2c2Rq"
_TAG = "VGFnOjE6c1ZiZEI3Q1hOWA=="
_EXAMPLE = "01a20f29-bf9f-7989-adef-70943d9e6471"

EXAMPLES: dict[str, Any] = {
    "create_organization": {"name": "Research", "description": "All that is tried out"},
    "update_organization": {"description": None},
    "create_space": {"name": "Support", "organization_id": _ORGANIZATION},
    "update_space": {"name": "Customer support"},
    "create_dataset": {
        "name": "capitals",
        "space_id": _SPACE,
        "examples": [{"question": "Capital of Peru?", "answer": "Lima"}],
    },
    "update_dataset": {"name": "capitals of the world"},
    "insert_examples": {"examples": [{"question": "Capital of France?", "answer": "Paris"}]},
    "update_examples": {
        "examples": [{"id": _EXAMPLE, "answer": "Lima, since 1535"}],
        "new_version": "with years",
    },
    "delete_examples": {"dataset_version_id": _VERSION, "example_ids": [_EXAMPLE]},
    "search_examples": {"filter": "topic = 'rivers' AND difficulty > 4", "limit": 10},
    "annotate_examples": {
        "annotations": [
            {"record_id": _EXAMPLE, "values": [{"name": "correctness", "label": "right"}]}
        ]
    },
    "create_annotation_config": {
        "name": "correctness",
        "space_id": _SPACE,
        "annotation_config_type": "CATEGORICAL",
        "values": [{"label": "right", "score": 1}, {"label": "wrong", "score": 0}],
    },
    "update_annotation_config": {
        "annotation_config_type": "CATEGORICAL",
        "optimization_direction": "MAXIMIZE",
    },
    "create_tag": {"name": "golden", "space_id": _SPACE, "color": "YELLOW"},
    "update_tag": {"color": None},
    "attach_dataset_tags": {"tag_ids": [_TAG]},
    "detach_dataset_tags": {"tag_ids": [_TAG]},
    "create_api_key": {
        "key_type": "SERVICE",
        "name": "nightly run",
        "organizations": [{"org_id": _ORGANIZATION, "spaces": [{"space_id": _SPACE}]}],
    },
    "create_version": {"name": "checked by hand", "description": "All answers read twice"},
    "update_version": {"locked": True},
    "set_schema": {
        "schema": {
            "properties": {"question": {"type": "string", "minLength": 1}},
            "required": ["question"],
        }
    },
    "refresh_api_key": {"grace_period_seconds": 3600},
}
