"""Every check of a request, once refused and once allowed: status, type, parameter and words."""

import contextlib
import re
from dataclasses import dataclass, field

import pytest

from gateway.access.checks import AccessChecks
from gateway.access.findings import Finding, Verdict
from gateway.access.models import ModelNames
from gateway.access.remedies import REMEDIES
from gateway.access.tool_policies import NO_TOOL_POLICIES, ToolPolicies
from gateway.clock import SystemClock
from gateway.domain import (
    AccessGroup,
    AgentRules,
    ModelGrant,
    ObjectPermission,
    Role,
    Scope,
    ScopeKind,
    Subject,
)
from gateway.errors import GatewayError
from gateway.hooks import RequestContext, RequestHead
from gateway.settings import AccessSettings
from gateway.settings.access import RolePermission
from gateway.testing import make_context, make_principal

SECRET = "model-that-nobody-may-hear-of"
KEY = Scope(ScopeKind.KEY, "hash")
DENIED = (
    r"^The requested model 'm' is not available for this API key, or the model name is invalid\. "
    r"Call `/v1/models` to view available models for your key\.$"
)


@dataclass
class Ask:
    """A request: members of its caller, of its body, its headers, what it names, and the configuration."""

    caller: dict[str, object] = field(default_factory=dict)
    body: dict[str, object] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    subjects: tuple[Subject, ...] = ()
    settings: dict[str, object] = field(default_factory=dict)
    path: str = "/v1/chat/completions"
    routed: str = "m"
    tools: ToolPolicies = NO_TOOL_POLICIES

    def context(self) -> RequestContext:
        caller = make_principal(**{"token_hash": "hash", "key_name": "sk-...cdef", **self.caller})
        context = make_context({"model": "m", "messages": [], **self.body}, principal=caller)
        context.head = RequestHead("POST", self.path, self.headers)
        context.subjects = self.subjects
        context.routed_model = self.routed
        return context


@dataclass
class Case:
    refused: Ask
    allowed: Ask
    status: int
    type: str
    param: str | None
    text: str


def grants(kind: ScopeKind, *models: str, groups: tuple[str, ...] = ()) -> dict[str, object]:
    return {"grants": (ModelGrant(Scope(kind, "id"), frozenset(models), frozenset(groups)),)}


def model_case(kind: ScopeKind, error_type: str) -> Case:
    return Case(Ask(grants(kind, SECRET)), Ask(grants(kind, SECRET, "m")), 403, error_type, "model", DENIED)


def subject(kind: ScopeKind, name: str = "ann", **fields: object) -> tuple[Subject, ...]:
    return (Subject(scope=Scope(kind, name), name=name, **fields),)


def named_grant(kind: ScopeKind, *models: str) -> tuple[Subject, ...]:
    scope = Scope(kind, "ann")
    return (Subject(scope=scope, grants=(ModelGrant(scope, frozenset(models)),)),)


def permission(owner: ScopeKind = ScopeKind.KEY, **fields: object) -> dict[str, object]:
    return {"permissions": (ObjectPermission(owner=Scope(owner, "o"), id="p", **fields),)}


def named_permission(kind: ScopeKind, **fields: object) -> tuple[Subject, ...]:
    return subject(kind, permission=ObjectPermission(owner=Scope(kind, "ann"), id="p", **fields))


def opened(agent_id: str) -> tuple[AccessGroup, ...]:
    return (AccessGroup(owner=KEY, id="g", agents=(agent_id,)),)


ANSWERED = {"messages": [{"role": "function", "name": "web", "content": "x"}]}


def tool(name: str) -> dict[str, object]:
    return {"tools": [{"type": "function", "function": {"name": name}}]}


def custom(name: str) -> dict[str, object]:
    return {"tools": [{"type": "custom", "custom": {"name": name}}]}


STORE = {"vector_store_ids": ["other"]}
LISTED_STORE = {"tools": [{"type": "file_search", "vector_store_ids": ["mine"]}]}
MODIFY = {"team_metadata": {"guardrails": {"modify_guardrails": False}}}
NAMED_AGENT = {"x-litellm-agent-id": "robot"}
TRACED = {"x-litellm-trace-id": "t"}

CASES = {
    "a banned member": Case(
        Ask(body={"api_base": "http://x"}),
        Ask(body={"temperature": 1}),
        400,
        "invalid_request_error",
        "api_base",
        r"^Rejected Request: 'api_base' is not allowed in the request body\.",
    ),
    "a banned member inside metadata": Case(
        Ask(body={"metadata": {"a": [{"api_key": "x"}]}}),
        Ask(body={"metadata": {"a": [{"key": "x"}]}}),
        400,
        "invalid_request_error",
        "metadata.a[0].api_key",
        r"^Rejected Request: 'metadata\.a\[0\]\.api_key' is not allowed",
    ),
    "a blocked end user": Case(
        Ask(subjects=subject(ScopeKind.END_USER, is_blocked=True)),
        Ask(subjects=subject(ScopeKind.END_USER)),
        401,
        "auth_error",
        "user",
        r"^Authentication Error, End User=ann is blocked\. "
        r"Update via `/customer/unblock` if you're an admin\.$",
    ),
    "an end user that nobody can read": Case(
        Ask(subjects=subject(ScopeKind.END_USER, unreadable=("max_budget",))),
        Ask(subjects=subject(ScopeKind.END_USER)),
        403,
        "auth_error",
        "max_budget",
        r"^The setting 'max_budget' of end_user 'ann' is stored in a form that cannot be read",
    ),
    "a blocked key": Case(
        Ask({"is_blocked": True}),
        Ask(),
        401,
        "auth_error",
        None,
        r"^Authentication Error, Key is blocked\. Update via `/key/unblock` if you're an admin\.$",
    ),
    "an expired key": Case(
        Ask({"expires_nanos": 1}),
        Ask({"expires_nanos": 2**62}),
        401,
        "expired_key",
        "sk-...cdef",
        r"^Authentication Error - Expired Key\. Key Expiry time 1970-",
    ),
    "a deactivated user": Case(
        Ask({"is_deactivated": True, "user_id": "u"}),
        Ask({"user_id": "u"}),
        401,
        "auth_error",
        None,
        r"^Authentication Error, User=u was deactivated",
    ),
    "a blocked team": Case(
        Ask({"blocked_owner": Scope(ScopeKind.TEAM, "t")}),
        Ask(),
        401,
        "auth_error",
        None,
        r"^Authentication Error, Team=t is blocked\. Update via `/team/unblock`",
    ),
    "a blocked project": Case(
        Ask({"blocked_owner": Scope(ScopeKind.PROJECT, "p")}),
        Ask(),
        401,
        "auth_error",
        None,
        r"^Authentication Error, Project=p is blocked\. Update via `/project/update`",
    ),
    "a setting that nobody can read": Case(
        Ask({"unreadable": ((KEY, "metadata"),)}),
        Ask(),
        403,
        "auth_error",
        "metadata",
        r"^The setting 'metadata' of key 'sk-\.\.\.cdef' is stored in a form that cannot be read",
    ),
    "a model of the key": model_case(ScopeKind.KEY, "key_model_access_denied"),
    "a model of the team": model_case(ScopeKind.TEAM, "team_model_access_denied"),
    "a model of the member": model_case(ScopeKind.TEAM_MEMBER, "team_model_access_denied"),
    "a model of the user": model_case(ScopeKind.USER, "user_model_access_denied"),
    "a model of the organization": model_case(ScopeKind.ORGANIZATION, "org_model_access_denied"),
    "a model of the organization's member": model_case(
        ScopeKind.ORGANIZATION_MEMBER, "org_model_access_denied"
    ),
    "a model of the project": model_case(ScopeKind.PROJECT, "project_model_access_denied"),
    "a model of the key's agent": model_case(ScopeKind.AGENT, "agent_model_access_denied"),
    "a model of the customer": Case(
        Ask(subjects=named_grant(ScopeKind.END_USER, SECRET)),
        Ask(subjects=named_grant(ScopeKind.END_USER, SECRET, "m")),
        403,
        "customer_model_access_denied",
        "model",
        DENIED,
    ),
    "a model of the named agent": Case(
        Ask(subjects=named_grant(ScopeKind.AGENT, SECRET)),
        Ask(subjects=named_grant(ScopeKind.AGENT, "m")),
        403,
        "agent_model_access_denied",
        "model",
        DENIED,
    ),
    "no default models": Case(
        Ask(grants(ScopeKind.USER, "no-default-models")),
        Ask(grants(ScopeKind.USER, "m")),
        403,
        "key_model_access_denied",
        "model",
        DENIED,
    ),
    "a unified access group": Case(
        Ask(grants(ScopeKind.KEY, SECRET, groups=("other",))),
        Ask(grants(ScopeKind.KEY, SECRET, groups=("m",))),
        403,
        "key_model_access_denied",
        "model",
        DENIED,
    ),
    "a group of deployments": Case(
        Ask(grants(ScopeKind.TEAM, "dear")),
        Ask(grants(ScopeKind.TEAM, "cheap")),
        403,
        "team_model_access_denied",
        "model",
        DENIED,
    ),
    "a wildcard": Case(
        Ask(grants(ScopeKind.KEY, "x*", "*z")),
        Ask(grants(ScopeKind.KEY, "*m")),
        403,
        "key_model_access_denied",
        "model",
        DENIED,
    ),
    "a wildcard of a provider": Case(
        Ask(grants(ScopeKind.KEY, "anthropic/*")),
        Ask(grants(ScopeKind.KEY, "openai/*")),
        403,
        "key_model_access_denied",
        "model",
        DENIED,
    ),
    "an alias": Case(
        Ask({**grants(ScopeKind.USER, "m"), "aliases": {"m": "dear"}}, routed="dear"),
        Ask({**grants(ScopeKind.USER, "dear"), "aliases": {"m": "dear"}}, routed="dear"),
        403,
        "user_model_access_denied",
        "model",
        DENIED,
    ),
    "a fallback of the client": Case(
        Ask(
            grants(ScopeKind.KEY, "m"),
            {"fallbacks": [{"m": ["other"]}]},
            settings={"enforce_fallback_model_access": True},
        ),
        Ask(
            grants(ScopeKind.KEY, "m", "n"),
            {"fallbacks": ["n", {"model": "m"}, {"m": ["n"]}]},
            settings={"enforce_fallback_model_access": True},
        ),
        403,
        "key_model_access_denied",
        "model",
        r"^The requested model 'other' is not available",
    ),
    "a trace id for an agent": Case(
        Ask({"agent_rules": AgentRules(requires_trace_id=True)}),
        Ask({"agent_rules": AgentRules(requires_trace_id=True)}, headers={"x-litellm-session-id": "s"}),
        400,
        "bad_request_error",
        "x-litellm-trace-id",
        r"^Requests made with this agent's key must include the x-litellm-trace-id header\.$",
    ),
    "a trace id for a named agent": Case(
        Ask(subjects=subject(ScopeKind.AGENT, agent_rules=AgentRules(requires_trace_id=True))),
        Ask(
            subjects=subject(ScopeKind.AGENT, agent_rules=AgentRules(requires_trace_id=True)),
            headers=TRACED,
        ),
        400,
        "bad_request_error",
        "x-litellm-trace-id",
        r"must include the x-litellm-trace-id header",
    ),
    "a trace id for everybody": Case(
        Ask(settings={"require_trace_id": True}),
        Ask(settings={"require_trace_id": True}, headers=TRACED),
        400,
        "bad_request_error",
        "x-litellm-trace-id",
        r"must include the x-litellm-trace-id header",
    ),
    "tags of the client in its metadata": Case(
        Ask(body={"metadata": {"tags": ["a"]}}, settings={"reject_clientside_metadata_tags": True}),
        Ask(body={"metadata": {"a": 1}}, settings={"reject_clientside_metadata_tags": True}),
        400,
        "bad_request_error",
        "metadata.tags",
        r"^Client-side 'metadata\.tags' not allowed in request\. 'reject_clientside_metadata_tags'=True\. ",
    ),
    "tags of the client in a header": Case(
        Ask(headers={"x-litellm-tags": "a"}, settings={"reject_clientside_metadata_tags": True}),
        Ask(headers={"x-litellm-tags": "a"}),
        400,
        "bad_request_error",
        "x-litellm-tags",
        r"^Client-side 'x-litellm-tags' not allowed in request",
    ),
    "an end user for everybody": Case(
        Ask(settings={"enforce_user_param": True}),
        Ask(body={"user": "ann"}, settings={"enforce_user_param": True}),
        401,
        "auth_error",
        "user",
        r"^Authentication Error, 'user' param not passed in\. 'enforce_user_param'=True",
    ),
    "an end user of null for everybody": Case(
        Ask(body={"user": None}, settings={"enforce_user_param": True}),
        Ask({"end_user_id": "of-the-token"}, settings={"enforce_user_param": True}),
        401,
        "auth_error",
        "user",
        r"^Authentication Error, 'user' param not passed in\. 'enforce_user_param'=True",
    ),
    "an end user of spaces for everybody": Case(
        Ask(
            body={"user": " "}, headers={"x-litellm-end-user-id": " "}, settings={"enforce_user_param": True}
        ),
        Ask(body={"user": 7}, settings={"enforce_user_param": True}),
        401,
        "auth_error",
        "user",
        r"^Authentication Error, 'user' param not passed in\. 'enforce_user_param'=True",
    ),
    "a member that the configuration requires": Case(
        Ask(body={"metadata": {}}, settings={"enforced_params": ("user", "metadata.run")}),
        Ask(
            body={"user": "u", "metadata": {"run": 1}}, settings={"enforced_params": ("user", "metadata.run")}
        ),
        400,
        "bad_request_error",
        "user",
        r"^BadRequest please pass param=user in request body\. This is a required param\.$",
    ),
    "a member that the key requires": Case(
        Ask({"metadata": {"enforced_params": ["metadata.run"]}}, {"metadata": {"other": 1}}),
        Ask({"metadata": {"enforced_params": ["metadata.run"]}}, {"metadata": {"run": None}}),
        400,
        "bad_request_error",
        "metadata.run",
        r"^BadRequest please pass param=metadata\.run in request body",
    ),
    "a member that service accounts must send": Case(
        Ask({"metadata": {"service_account_id": "s"}}, settings={"service_account_params": ("user",)}),
        Ask(settings={"service_account_params": ("user",)}),
        400,
        "bad_request_error",
        "user",
        r"^BadRequest please pass param=user",
    ),
    "guardrails that the team keeps": Case(
        Ask(MODIFY, {"metadata": {"guardrails": []}}),
        Ask(MODIFY, {"metadata": {"other": 1}}),
        403,
        "auth_error",
        "metadata.guardrails",
        r"^Your team does not have permission to modify guardrails\.",
    ),
    "guardrails that the request turns off": Case(
        Ask(MODIFY, {"disable_global_guardrails": True}),
        Ask(body={"guardrails": ["x"]}),
        403,
        "auth_error",
        "disable_global_guardrails",
        r"^Your team does not have permission to modify guardrails\.",
    ),
    "a route for administrators": Case(
        Ask({"role": Role.INTERNAL_USER}, settings={"admin_only_routes": ("/v1/chat/*",)}),
        Ask({"role": Role.PROXY_ADMIN}, settings={"admin_only_routes": ("/v1/chat/*",)}),
        403,
        "auth_error",
        "route",
        r"^user not allowed to access this route\. Route=/v1/chat/completions is an admin only route\. "
        r"Your role=internal_user$",
    ),
    "a crafted route for administrators": Case(
        Ask(path="/v1//chat/completions/", settings={"admin_only_routes": ("/v1/chat/*",)}),
        Ask(path="/v1/embeddings", settings={"admin_only_routes": ("/v1/chat/*",)}),
        403,
        "auth_error",
        "route",
        r"is an admin only route\. Your role=unknown$",
    ),
    "a route of the role": Case(
        Ask(
            {"role": Role.CUSTOMER},
            settings={"role_permissions": (RolePermission(role="customer", routes=(SECRET,)),)},
        ),
        Ask(
            {"role": Role.INTERNAL_USER},
            settings={"role_permissions": (RolePermission(role="customer", routes=("/v1/models",)),)},
        ),
        403,
        "auth_error",
        None,
        r"^The role customer is not allowed to call this route\. Tried to call route: /v1/chat/completions\.",
    ),
    "a model of the role": Case(
        Ask(
            {"role": Role.CUSTOMER},
            settings={"role_permissions": (RolePermission(role="customer", models=(SECRET,)),)},
        ),
        Ask(
            {"role": Role.CUSTOMER},
            settings={"role_permissions": (RolePermission(role="customer", models=("m",)),)},
        ),
        403,
        "user_model_access_denied",
        "model",
        DENIED,
    ),
    "a route of the key": Case(
        Ask({"allowed_routes": ("/v1/embeddings",)}),
        Ask({"allowed_routes": ("llm_api_routes",)}),
        403,
        "auth_error",
        None,
        r"^Virtual key is not allowed to call this route\. Tried to call route: /v1/chat/completions\. "
        r"An administrator can allow it\.$",
    ),
    "a tool of the key": Case(
        Ask({"metadata": {"allowed_tools": ["search"]}}, tool("delete")),
        Ask({"metadata": {"allowed_tools": ["search"]}}, tool("search")),
        403,
        "tool_access_denied",
        "tools",
        r"^Tool\(s\) \['delete'\] are not in the allowed tools list for this key/team\.$",
    ),
    "a tool of the team": Case(
        Ask({"team_metadata": {"allowed_tools": ["search"]}}, {"functions": [{"name": "delete"}]}),
        Ask(
            {"metadata": {"allowed_tools": ["delete"]}, "team_metadata": {"allowed_tools": ["search"]}},
            {"functions": [{"name": "delete"}]},
        ),
        403,
        "tool_access_denied",
        "tools",
        r"^Tool\(s\) \['delete'\]",
    ),
    "a tool that a permission blocks": Case(
        Ask(permission(blocked_tools=("delete",)), tool("delete")),
        Ask(permission(blocked_tools=("delete",)), tool("search")),
        403,
        "tool_access_denied",
        "tools",
        r"^Tool\(s\) \['delete'\]",
    ),
    "a tool that the operator blocks": Case(
        Ask(body=tool("delete"), tools=ToolPolicies(blocked=frozenset({"delete"}))),
        Ask(body=tool("search"), tools=ToolPolicies(blocked=frozenset({"delete"}))),
        403,
        "tool_access_denied",
        "tools",
        r"^The operator has blocked the tool\(s\) \['delete'\]",
    ),
    "a careful tool after an answer from outside": Case(
        Ask(body={**tool("pay"), **ANSWERED}, tools=ToolPolicies(careful=frozenset({"pay"}))),
        Ask(
            body={**tool("pay"), **ANSWERED},
            tools=ToolPolicies(careful=frozenset({"pay"}), trusted=frozenset({"web"})),
        ),
        403,
        "tool_access_denied",
        "tools",
        r"take trusted input only, and the conversation holds what web answered",
    ),
    "a custom tool": Case(
        Ask(permission(blocked_tools=("delete",)), custom("delete")),
        Ask({"metadata": {"allowed_tools": ["delete"]}}, custom("delete")),
        403,
        "tool_access_denied",
        "tools",
        r"^Tool\(s\) \['delete'\]",
    ),
    "a tool of the provider's under another name": Case(
        Ask(
            {"metadata": {"allowed_tools": ["search"]}}, {"tools": [{"type": "web_search", "name": "search"}]}
        ),
        Ask(
            {"metadata": {"allowed_tools": ["bash"]}}, {"tools": [{"type": "bash_20250124", "name": "bash"}]}
        ),
        403,
        "tool_access_denied",
        "tools",
        r"^Tool\(s\) \['web_search'\]",
    ),
    "a tool of the provider's": Case(
        Ask({"metadata": {"allowed_tools": ["search"]}}, {"tools": [{"type": "web_search"}]}),
        Ask({"metadata": {"allowed_tools": ["web_search"]}}, {"tools": [{"type": "web_search"}]}),
        403,
        "tool_access_denied",
        "tools",
        r"^Tool\(s\) \['web_search'\]",
    ),
    "a tool without a name": Case(
        Ask({"metadata": {"allowed_tools": ["search"]}}, {"tools": [{"type": "function"}]}),
        Ask(body={"tools": [{"type": "function"}]}),
        400,
        "invalid_request_error",
        "tools[0]",
        r"^'tools\[0\]' has no name",
    ),
    "tools that are no list": Case(
        Ask({"metadata": {"allowed_tools": ["search"]}}, {"tools": {"0": {"name": "delete"}}}),
        Ask({"metadata": {"allowed_tools": ["search"]}}, {"tools": None}),
        400,
        "invalid_request_error",
        "tools",
        r"^'tools' must be a list\.$",
    ),
    "a vector store of the key": Case(
        Ask(permission(vector_stores=("mine",)), STORE),
        Ask(permission(vector_stores=("mine",)), LISTED_STORE),
        403,
        "key_vector_store_access_denied",
        "vector_store",
        r"^The key of this request is not allowed to access the vector store 'other'\.",
    ),
    "a vector store of the organization": Case(
        Ask(permission(ScopeKind.ORGANIZATION, vector_stores=("mine",)), STORE),
        Ask(permission(ScopeKind.ORGANIZATION), STORE),
        403,
        "org_vector_store_access_denied",
        "vector_store",
        r"^The org of this request is not allowed",
    ),
    "a vector store where the permission cannot be read": Case(
        Ask(permission(is_readable=False), STORE),
        Ask(permission(is_readable=False)),
        403,
        "key_vector_store_access_denied",
        "vector_store",
        r"not allowed to access the vector store 'other'",
    ),
    "a vector store of the customer": Case(
        Ask(subjects=named_permission(ScopeKind.END_USER, vector_stores=("mine",)), body=STORE),
        Ask(subjects=named_permission(ScopeKind.END_USER, vector_stores=("other",)), body=STORE),
        403,
        "customer_vector_store_access_denied",
        "vector_store",
        r"^The customer of this request is not allowed to access the vector store 'other'\.",
    ),
    "a tool that the customer's permission blocks": Case(
        Ask(subjects=named_permission(ScopeKind.END_USER, blocked_tools=("delete",)), body=tool("delete")),
        Ask(subjects=named_permission(ScopeKind.END_USER, blocked_tools=("delete",)), body=tool("search")),
        403,
        "tool_access_denied",
        "tools",
        r"^Tool\(s\) \['delete'\]",
    ),
    "an agent of the key": Case(
        Ask(permission(agents=("mine",)), headers=NAMED_AGENT),
        Ask(permission(agents=("robot",)), headers=NAMED_AGENT),
        403,
        "key_agent_access_denied",
        "agent",
        r"^The key of this request is not allowed to access the agent 'robot'\. "
        r"An administrator can add it to the object permission\.$",
    ),
    "an agent of the team's groups": Case(
        Ask(
            permission(ScopeKind.TEAM, agent_access_groups=("ours",)),
            headers=NAMED_AGENT,
            subjects=subject(ScopeKind.AGENT, "robot", groups=("theirs",)),
        ),
        Ask(
            permission(ScopeKind.TEAM, agent_access_groups=("ours",)),
            headers=NAMED_AGENT,
            subjects=subject(ScopeKind.AGENT, "robot", groups=("theirs", "ours")),
        ),
        403,
        "team_agent_access_denied",
        "agent",
        r"^The team of this request is not allowed to access the agent 'robot'\.",
    ),
    "an agent that no access group opens": Case(
        Ask({**permission(agents=("mine",)), "access_groups": opened("other")}, headers=NAMED_AGENT),
        Ask({**permission(agents=("mine",)), "access_groups": opened("robot")}, headers=NAMED_AGENT),
        403,
        "key_agent_access_denied",
        "agent",
        r"not allowed to access the agent 'robot'",
    ),
    "an agent that the organization takes away": Case(
        Ask(
            {**permission(ScopeKind.ORGANIZATION, agents=("mine",)), "access_groups": opened("robot")},
            headers=NAMED_AGENT,
        ),
        Ask({**permission(ScopeKind.ORGANIZATION, agents=("mine",)), "agent_id": "own"}, headers=NAMED_AGENT),
        403,
        "org_agent_access_denied",
        "agent",
        r"^The org of this request is not allowed to access the agent 'robot'\.",
    ),
    "an agent of the customer": Case(
        Ask(headers=NAMED_AGENT, subjects=named_permission(ScopeKind.END_USER, agents=("mine",))),
        Ask(headers=NAMED_AGENT, subjects=named_permission(ScopeKind.END_USER, agents=("robot",))),
        403,
        "customer_agent_access_denied",
        "agent",
        r"^The customer of this request is not allowed to access the agent 'robot'\.",
    ),
    "an agent where the permission cannot be read": Case(
        Ask(permission(is_readable=False), headers=NAMED_AGENT),
        Ask(permission(is_readable=False)),
        403,
        "key_agent_access_denied",
        "agent",
        r"not allowed to access the agent 'robot'",
    ),
    "a cache control": Case(
        Ask({"cache_controls": ("ttl",)}, {"cache": {"ttl": 1, "no-cache": True}}),
        Ask({"cache_controls": ("ttl",)}, {"cache": {"ttl": 1}}),
        403,
        "auth_error",
        "cache.no-cache",
        r"^Not allowed to set no-cache as a cache control\. Contact admin to change permissions\.$",
    ),
}


def checks_of(ask: Ask) -> AccessChecks:
    names = ModelNames(lambda model: {"cheap"} if model == "m" else (), lambda _model: ("openai",))
    return AccessChecks(SystemClock(), names, settings=AccessSettings(**ask.settings), tools=ask.tools)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_it_is_refused_in_the_words_of_the_contract(case: Case) -> None:
    with pytest.raises(GatewayError, match=case.text) as raised:
        await checks_of(case.refused).authorize(case.refused.context())
    error = raised.value
    assert (error.status, error.type, error.param) == (case.status, case.type, case.param)
    assert SECRET not in error.message


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_it_is_allowed_where_nothing_speaks_against_it(case: Case) -> None:
    await checks_of(case.allowed).authorize(case.allowed.context())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_who_was_allowed_once_is_refused_all_the_same(case: Case) -> None:
    """What is remembered of one request opens nothing to another."""
    checks = checks_of(case.refused)
    with contextlib.suppress(GatewayError):
        await checks.authorize(case.allowed.context())
    context = case.refused.context()
    for _ in range(2):
        with pytest.raises(GatewayError, match=case.text):
            await checks.authorize(context)


def findings_of(ask: Ask) -> list[Finding]:
    checks, context = checks_of(ask), ask.context()
    return [*checks.examine_standing(context), *checks.examine(context)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_who_asks_beforehand_hears_the_same(case: Case) -> None:
    refusing = [one for one in findings_of(case.refused) if one.verdict is Verdict.REFUSES]
    assert [(one.error.status, one.error.type, one.error.param) for one in refusing if one.error] == [
        (case.status, case.type, case.param)
    ]
    assert re.search(case.text, refusing[0].error.message)
    assert {one.verdict for one in findings_of(case.allowed)} <= {Verdict.PASSES, Verdict.DOES_NOT_APPLY}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_rule_is_listed_whether_it_applies_or_not(case: Case) -> None:
    plain = list(dict.fromkeys(one.rule for one in findings_of(Ask())))
    for ask in (case.refused, case.allowed):
        assert list(dict.fromkeys(one.rule for one in findings_of(ask))) == plain
    assert set(plain) <= REMEDIES.keys()


def test_several_refusals_are_all_told() -> None:
    ask = Ask({"is_blocked": True, "expires_nanos": 1, **grants(ScopeKind.TEAM, SECRET)}, {"api_base": "x"})
    refusing = [one.rule for one in findings_of(ask) if one.verdict is Verdict.REFUSES]
    assert refusing == ["key_blocked", "key_expired", "banned_members", "model_access"]


def test_every_rule_refuses_in_the_table() -> None:
    refusing = {
        one.rule
        for case in CASES.values()
        for one in findings_of(case.refused)
        if one.verdict is Verdict.REFUSES
    }
    assert refusing == {one.rule for one in findings_of(Ask())}
