"""What things are identified by: which answers tell an identifier, and under which names requests take it."""

from collections.abc import Iterable, Mapping

import msgspec

from gateway.permits.terms import Resource

__all__ = ["IDENTIFIERS", "Identifier", "find_meanings"]


class Identifier(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of identifier.

    `told` has, per operation, the runtime expression (OpenAPI 3.1, Link Object) that finds it in an exchange.
    `names` are the parameters and members of bodies that mean it everywhere; `own` has further ones of a tag,
    which is a resource, or of a path. There they mean nothing else.
    """

    told: Mapping[str, str]
    names: frozenset[str] = frozenset()
    own: Mapping[str, frozenset[str]] = {}


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


def _answers(member: str, *paths: str) -> dict[str, str]:
    return {f"post {path}": f"$response.body#/{member}" for path in paths}


_CHAT_PATHS = ("/v1/chat/completions", "/chat/completions")

IDENTIFIERS: Mapping[str, Identifier] = {
    "key": Identifier(
        told=_answers(
            "key",
            "/key/generate",
            "/key/service-account/generate",
            "/key/regenerate",
            "/key/{key}/regenerate",
            "/user/new",
        ),
        own={
            Resource.KEY: _names("key", "keys", "key_ids"),
            Resource.AUTHORIZATION: _names("key"),
            Resource.JWT_KEY_MAPPING: _names("key"),
            "/key/spend/report": _names("api_key"),
            "/spend/logs": _names("api_key"),
        },
    ),
    "user": Identifier(
        told=_answers("user_id", "/user/new") | _answers("id", "/scim/v2/Users"),
        names=_names("user_id", "user_ids", "internal_user_id"),
    ),
    "team": Identifier(
        told=_answers("team_id", "/team/new") | _answers("id", "/scim/v2/Groups"),
        names=_names("team_id", "team_ids", "group_id", "teamId", "assigned_team_ids"),
        own={Resource.USER: _names("team")},
    ),
    "organization": Identifier(
        told=_answers("organization_id", "/organization/new"),
        names=_names("organization_id", "organization_ids", "org_id"),
        own={Resource.ORGANIZATION: _names("organizations")},
    ),
    "project": Identifier(
        told=_answers("project_id", "/project/new"), names=_names("project_id", "project_ids")
    ),
    "customer": Identifier(
        told=_answers("user_id", "/customer/new", "/end_user/new"),
        names=_names("end_user_id", "end_user_ids", "customer_id", "end_user"),
        own={Resource.CUSTOMER: _names("user_id", "user_ids")},
    ),
    "budget": Identifier(
        told=_answers("budget_id", "/budget/new"),
        names=_names("budget_id"),
        own={Resource.BUDGET: _names("id", "budgets")},
    ),
    "tag": Identifier(
        told=_answers("tag/name", "/tag/new"),
        names=_names("tags"),
        own={Resource.TAG: _names("name", "names")},
    ),
    "deployment": Identifier(
        told=_answers("model_id", "/model/new"),
        names=_names("model_id", "modelId", "litellm_model_id"),
        own={Resource.MODEL: _names("id"), Resource.ACCESS_GROUP: _names("model_ids")},
    ),
    "model name": Identifier(
        told=_answers("model_name", "/model/new"),
        names=_names("model_names", "access_model_names", "model_groups"),
        own={tag: _names("model") for tag in (Resource.MODEL, Resource.CONFIG, "inference")}
        | {path: _names("model_id") for path in ("/models/{model_id}", "/v1/models/{model_id}")},
    ),
    "fallback": Identifier(
        told={"post /fallback": "$request.body#/model"}, own={"/fallback/{model}": _names("model")}
    ),
    "credential": Identifier(
        told={"post /credentials": "$request.body#/credential_name"}, names=_names("credential_name")
    ),
    "model access group": Identifier(
        told=_answers("access_group", "/access_group/new"), names=_names("access_group")
    ),
    "access group": Identifier(
        told=_answers("access_group_id", "/v1/access_group", "/v1/unified_access_group"),
        names=_names("access_group_id", "access_group_ids"),
    ),
    "policy": Identifier(
        told=_answers("policy_id", "/policies"),
        names=_names("policy_id", "source_policy_id"),
        own={"/policies/compare": _names("version_a", "version_b")},
    ),
    "policy name": Identifier(
        told=_answers("policy_name", "/policies"),
        names=_names("policy_name"),
        own={Resource.POLICY: _names("inherit")},
    ),
    "policy attachment": Identifier(
        told=_answers("attachment_id", "/policies/attachments"), names=_names("attachment_id")
    ),
    "invitation": Identifier(
        told=_answers("id", "/invitation/new"),
        own={Resource.INVITATION: _names("invitation_id", "invitation_link", "invite_link")},
    ),
    "token mapping": Identifier(
        told=_answers("id", "/jwt/key/mapping/new"), own={Resource.JWT_KEY_MAPPING: _names("id")}
    ),
    "model request": Identifier(
        told=_answers("request_id", "/user/request_model"),
        own={Resource.NOTIFICATION: _names("request_id")},
    ),
    "inference request": Identifier(
        told=_answers("id", *_CHAT_PATHS), own={Resource.SPEND: _names("request_id")}
    ),
    "team member": Identifier(
        told={"post /team/member_add": "$request.body#/member/user_id"},
        own={
            path: _names("user_id")
            for path in (
                "/team/member_update",
                "/team/member_delete",
                "/team/{team_id}/member/{user_id}/reset_budget",
                "/team/{team_id}/member/{user_id}/reset_spend",
            )
        },
    ),
    "organization member": Identifier(
        told={"post /organization/member_add": "$request.body#/member/user_id"},
        own={
            path: _names("user_id") for path in ("/organization/member_update", "/organization/member_delete")
        },
    ),
    "team callback": Identifier(
        told={"post /team/{team_id}/callback": "$request.body#/callback_name"},
        own={"/team/{team_id}/callback/{callback_name}": _names("callback_name")},
    ),
    "audit entry": Identifier(
        told={"get /audit": "$response.body#/audit_logs/0/id"}, names=_names("entry_id")
    ),
    "resource type": Identifier(
        told={"get /scim/v2/ResourceTypes": "$response.body#/Resources/0/id"},
        names=_names("resource_type_id"),
    ),
    "resource schema": Identifier(
        told={"get /scim/v2/Schemas": "$response.body#/Resources/0/id"}, names=_names("schema_id")
    ),
}
"""Every kind of identifier that one request learns and another takes, by what it identifies."""


def find_meanings(name: str, path: str, tags: Iterable[str]) -> frozenset[str]:
    """The kinds of identifiers that a name means in a request: as the path says, else its tags, else all."""
    for place in (path, *tags):
        own = frozenset(kind for kind, one in IDENTIFIERS.items() if name in one.own.get(place, ()))
        if own:
            return own
    return frozenset(kind for kind, one in IDENTIFIERS.items() if name in one.names)
