"""Requests that succeed, one for every operation of which the document says what can follow."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

_DEPLOYMENT = {"model": "openai/m", "mock_response": "Hello"}


@dataclass(frozen=True)
class Recipe:
    """What a request says; words in braces are names in `MADE_BY`, or `fresh`: a new name each time."""

    body: dict[str, Any] | None = None
    path_parameters: dict[str, str] = field(default_factory=dict)


_MEMBER = {"role": "user", "user_id": "{user_id}"}
_CHAT = Recipe({"model": "m", "messages": [{"role": "user", "content": "Say hello"}]})

RECIPES: dict[str, Recipe] = {
    "post /key/generate": Recipe({}),
    "post /key/service-account/generate": Recipe({"team_id": "{team_id}", "key_alias": "{fresh}"}),
    "post /key/regenerate": Recipe({"key": "{key}"}),
    "post /key/{key}/regenerate": Recipe({}, {"key": "{key}"}),
    "post /user/new": Recipe({}),
    "post /scim/v2/Users": Recipe({"userName": "{fresh}"}),
    "post /team/new": Recipe({}),
    "post /scim/v2/Groups": Recipe({"displayName": "{fresh}"}),
    "post /organization/new": Recipe({"organization_alias": "{fresh}"}),
    "post /project/new": Recipe({"team_id": "{team_id}"}),
    "post /customer/new": Recipe({"user_id": "{fresh}"}),
    "post /end_user/new": Recipe({"user_id": "{fresh}"}),
    "post /budget/new": Recipe({"max_budget": 5}),
    "post /tag/new": Recipe({"name": "{fresh}"}),
    "post /model/new": Recipe({"model_name": "{fresh}", "litellm_params": _DEPLOYMENT}),
    "post /fallback": Recipe({"model": "m", "fallback_models": ["spare"]}),
    "post /credentials": Recipe(
        {"credential_name": "{fresh}", "credential_info": {}, "credential_values": {"api_key": "x"}}
    ),
    "post /access_group/new": Recipe({"access_group": "{fresh}", "model_names": ["{stored_model}"]}),
    "post /v1/access_group": Recipe({"access_group_name": "{fresh}"}),
    "post /v1/unified_access_group": Recipe({"access_group_name": "{fresh}"}),
    "post /policies": Recipe({"policy_name": "{fresh}"}),
    "post /policies/attachments": Recipe({"policy_name": "{policy_name}", "scope": "*"}),
    "post /invitation/new": Recipe({"user_id": "{user_id}"}),
    "post /jwt/key/mapping/new": Recipe(
        {"jwt_claim_name": "sub", "jwt_claim_value": "{fresh}", "key": "{key}"}
    ),
    "post /user/request_model": Recipe({"models": ["m"], "justification": "{fresh}"}),
    "post /v1/chat/completions": _CHAT,
    "post /chat/completions": _CHAT,
    "post /team/member_add": Recipe({"team_id": "{team_id}", "member": _MEMBER}),
    "post /organization/member_add": Recipe(
        {"organization_id": "{organization_id}", "member": {"role": "internal_user", "user_id": "{user_id}"}}
    ),
    "post /team/{team_id}/callback": Recipe(
        {"callback_name": "langfuse", "callback_vars": {}}, {"team_id": "{team_id}"}
    ),
    "get /audit": Recipe(),
    "get /scim/v2/ResourceTypes": Recipe(),
    "get /scim/v2/Schemas": Recipe(),
}
"""By the names of operations."""

MADE_BY: dict[str, tuple[str, str]] = {
    "budget_id": ("post /budget/new", "budget_id"),
    "customer": ("post /customer/new", "user_id"),
    "key": ("post /key/generate", "key"),
    "organization_id": ("post /organization/new", "organization_id"),
    "policy_name": ("post /policies", "policy_name"),
    "project_id": ("post /project/new", "project_id"),
    "stored_model": ("post /model/new", "model_name"),
    "tag": ("post /tag/new", "tag/name"),
    "team_id": ("post /team/new", "team_id"),
    "token": ("post /key/generate", "token"),
    "user_id": ("post /user/new", "user_id"),
}
"""What recipes need, each made anew: by which operation, and where in its answer it is."""


class Cook:
    """Makes things in a gateway by their recipes, as the operator."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def prepare(self, operation: str) -> Recipe:
        """A request with everything in place that it names."""
        recipe = RECIPES[operation]
        return Recipe(self._fill(recipe.body), self._fill(recipe.path_parameters))

    def send(self, operation: str, recipe: Recipe) -> Any:
        """The content of the answer to a request that must succeed."""
        method, path = operation.split(" ", 1)
        answer = self._client.request(method, path.format_map(recipe.path_parameters), json=recipe.body)
        assert answer.is_success, f"{operation}: {answer.text}"
        return answer.json()

    def make(self, name: str) -> str:
        """The name or id of a new thing, by its name in `MADE_BY`."""
        operation, place = MADE_BY[name]
        value = self.send(operation, self.prepare(operation))
        for member in place.split("/"):
            value = value[member]
        return value

    def _fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._fill(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._fill(item) for item in value]
        if isinstance(value, str) and value.startswith("{"):
            name = value.strip("{}")
            return f"fresh-{uuid4().hex}" if name == "fresh" else self.make(name)
        return value
