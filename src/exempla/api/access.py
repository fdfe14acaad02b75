"""What each route needs: the one table of access.

A role is one in the space that the route is about, which the store checks (`store/access.py`).
"""

from __future__ import annotations

from exempla.store.access import Role

OPEN = frozenset(
    {
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /errors",
        "GET /openapi.json",
        "GET /docs",
    }
)
"""Routes that need no key."""

_READ = Role.READ_ONLY
_WRITE = Role.MEMBER
_MANAGE = Role.ADMIN
_ADMINISTER = Role.ADMINISTRATOR

NEEDS: dict[str, Role] = {
    "GET /v2/organizations": _READ,
    "POST /v2/organizations": _ADMINISTER,
    "GET /v2/organizations/{org_id}": _READ,
    "PATCH /v2/organizations/{org_id}": _ADMINISTER,
    "DELETE /v2/organizations/{org_id}": _ADMINISTER,
    "GET /v2/spaces": _READ,
    "POST /v2/spaces": _ADMINISTER,
    "GET /v2/spaces/{space_id}": _READ,
    "PATCH /v2/spaces/{space_id}": _MANAGE,
    "DELETE /v2/spaces/{space_id}": _MANAGE,
    "GET /v2/datasets": _READ,
    "POST /v2/datasets": _WRITE,
    "GET /v2/datasets/{dataset_id}": _READ,
    "PATCH /v2/datasets/{dataset_id}": _WRITE,
    "DELETE /v2/datasets/{dataset_id}": _WRITE,
    "GET /v2/datasets/{dataset_id}/examples": _READ,
    "POST /v2/datasets/{dataset_id}/examples": _WRITE,
    "PATCH /v2/datasets/{dataset_id}/examples": _WRITE,
    "DELETE /v2/datasets/{dataset_id}/examples": _WRITE,
    "POST /v2/datasets/{dataset_id}/examples/search": _READ,
    "POST /v2/datasets/{dataset_id}/examples/annotate": _WRITE,
    "GET /v2/annotation-configs": _READ,
    "POST /v2/annotation-configs": _WRITE,
    "GET /v2/annotation-configs/{annotation_config_id}": _READ,
    "PATCH /v2/annotation-configs/{annotation_config_id}": _WRITE,
    "DELETE /v2/annotation-configs/{annotation_config_id}": _WRITE,
    "POST /v2/tags": _WRITE,
    "PATCH /v2/tags/{tag_id}": _WRITE,
    "DELETE /v2/tags/{tag_id}": _WRITE,
    "GET /v2/datasets/{dataset_id}/tags": _READ,
    "POST /v2/datasets/{dataset_id}/tags": _WRITE,
    "DELETE /v2/datasets/{dataset_id}/tags": _WRITE,
    "GET /api/v1/datasets/{dataset_id}/versions": _READ,
    "POST /api/v1/datasets/{dataset_id}/versions": _WRITE,
    "GET /api/v1/datasets/{dataset_id}/versions/{version_id}": _READ,
    "PATCH /api/v1/datasets/{dataset_id}/versions/{version_id}": _WRITE,
    "GET /api/v1/datasets/{dataset_id}/diff": _READ,
    "GET /api/v1/datasets/{dataset_id}/export": _READ,
    "POST /api/v1/datasets/{dataset_id}/import": _WRITE,
    "GET /api/v1/datasets/{dataset_id}/log": _READ,
    "GET /api/v1/datasets/{dataset_id}/examples/{example_id}/history": _READ,
    "GET /api/v1/datasets/{dataset_id}/schema": _READ,
    "PUT /api/v1/datasets/{dataset_id}/schema": _WRITE,
    "GET /api/v1/datasets/{dataset_id}/schema/report": _READ,
    "GET /api/v1/datasets/{dataset_id}/columns": _READ,
    "GET /v2/audit-logs": _ADMINISTER,
    # Keys belong to users; `store/keys.py` says whose a caller may see and end.
    "GET /v2/api-keys": _READ,
    "POST /v2/api-keys": _READ,
    "POST /v2/api-keys/{api_key_id}/refresh": _READ,
    "PUT /v2/api-keys/{api_key_id}/revoke": _READ,
}
"""The role that a route needs, by its method and path."""

NOT_IN_AUDIT_LOG = frozenset(
    {
        "POST /v2/datasets/{dataset_id}/examples",
        "PATCH /v2/datasets/{dataset_id}/examples",
        "DELETE /v2/datasets/{dataset_id}/examples",
        "POST /v2/datasets/{dataset_id}/examples/annotate",
        "POST /api/v1/datasets/{dataset_id}/import",
    }
)
"""Routes that write examples: their history has who did what."""

HAS_EXAMPLES = frozenset({"POST /v2/datasets"})
"""Routes in the audit log whose body is not."""
