"""The routes of AX that Exempla lacks: each answers `501`, so that a client's user sees why."""

from __future__ import annotations

from typing import Any

from litestar import HttpMethod, Request, route
from litestar.handlers import HTTPRouteHandler

from exempla.errors import NotSupported

_ROUTES = """
GET POST /v2/ai-integrations
GET PATCH DELETE /v2/ai-integrations/{id}
GET POST /v2/annotation-configs/{annotation_config_id}/tags
GET POST /v2/annotation-queues
GET PATCH DELETE /v2/annotation-queues/{id}
GET POST DELETE /v2/annotation-queues/{id}/records
POST /v2/annotation-queues/{id}/records/{record_id}/annotate
POST /v2/annotation-queues/{id}/records/{record_id}/assign
GET POST /v2/annotation-queues/{id}/tags
GET /v2/dashboards/{id}/widgets/{widget_id}
GET /v2/evaluator-templates
GET /v2/evaluator-versions/{id}
GET POST /v2/evaluators
GET PATCH DELETE /v2/evaluators/{id}
GET POST DELETE /v2/evaluators/{id}/tags
GET POST DELETE /v2/evaluators/{id}/versions
GET POST /v2/experiments
GET DELETE /v2/experiments/{id}
GET POST /v2/experiments/{id}/runs
POST /v2/experiments/{id}/runs/annotate
POST /v2/experiments/{id}/runs/search
GET POST /v2/experiments/{id}/tags
GET POST /v2/integrations
GET PATCH DELETE /v2/integrations/{id}
GET /v2/monitors
GET /v2/monitors/{id}
GET POST DELETE /v2/monitors/{id}/tags
POST /v2/organizations/{org_id}/users
DELETE /v2/organizations/{org_id}/users/{user_id}
GET POST /v2/projects
GET PATCH DELETE /v2/projects/{id}
GET POST DELETE /v2/projects/{id}/tags
GET /v2/prompt-versions/{id}
PUT /v2/prompt-versions/{id}/labels
DELETE /v2/prompt-versions/{id}/labels/{label}
GET POST /v2/prompts
GET PATCH DELETE /v2/prompts/{id}
GET /v2/prompts/{id}/labels/{label}
GET POST DELETE /v2/prompts/{id}/tags
GET POST /v2/prompts/{id}/versions
GET POST /v2/resource-restrictions
DELETE /v2/resource-restrictions/{id}
GET POST /v2/role-bindings
GET PATCH DELETE /v2/role-bindings/{id}
GET POST /v2/roles
GET PATCH DELETE /v2/roles/{id}
POST /v2/spaces/{space_id}/users
DELETE /v2/spaces/{space_id}/users/{user_id}
POST DELETE /v2/spans
POST /v2/spans/annotate
GET /v2/task-runs/{id}
POST /v2/task-runs/{id}/cancel
GET POST /v2/tasks
GET PATCH DELETE /v2/tasks/{id}
GET /v2/tasks/{id}/runs
POST /v2/tasks/{id}/trigger
POST /v2/traces
GET POST /v2/users
GET PATCH DELETE /v2/users/{id}
POST /v2/users/{id}/resend-invitation
POST /v2/users/{id}/reset-password
GET POST /v2/webhook-subscriptions
GET DELETE /v2/webhook-subscriptions/{id}
GET POST /v2/webhooks
GET PATCH DELETE /v2/webhooks/{id}
GET /v2/webhooks/{id}/delivery-attempts
POST /v2/webhooks/{id}/test
"""


def not_supported_routes() -> list[HTTPRouteHandler]:
    """Return a handler for each path."""
    return [_handler(*line.rsplit(" ", 1)) for line in _ROUTES.strip().splitlines()]


def _handler(methods: str, path: str) -> HTTPRouteHandler:
    name = path.removeprefix("/v2/")

    async def answer(request: Request[Any, Any, Any]) -> None:
        raise NotSupported(
            f"Exempla serves datasets and what is around them; it has no {request.method} {name}"
        )

    decorate = route(
        path.replace("}", ":str}"),
        http_method=[HttpMethod(method) for method in methods.split()],
        status_code=NotSupported.status,
    )
    handler: HTTPRouteHandler = decorate(answer)
    return handler
