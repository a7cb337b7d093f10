"""What a request must say, and what its caller may not say: rules on the members of its body."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from gateway.errors import AuthenticationFailed, BadRequest, PermissionDenied
from gateway.hooks import RequestBody, RequestContext

__all__ = [
    "TRACE_HEADERS",
    "build_cache_check",
    "build_required_check",
    "check_client_tags",
    "check_guardrails_kept",
    "check_trace_id",
    "check_user_named",
]

TRACE_HEADERS = ("x-litellm-trace-id", "x-litellm-session-id", "x-session-id")
"""The headers that tie a request to others."""
_USER_HEADERS = ("x-litellm-customer-id", "x-litellm-end-user-id")
_METADATA = ("metadata", "litellm_metadata")
_GUARDRAIL_MEMBERS = frozenset(
    {"guardrails", "policies", "disable_global_guardrails", "disable_global_guardrail"}
)


def check_user_named(context: RequestContext) -> None:
    """`enforce_user_param`: raise AuthenticationFailed for a request that names no end user.

    One of null, without letters or of a wrong type is booked on nobody, and so is none.
    """
    body, headers = context.body, context.head.headers
    if context.principal.end_user_id or any(headers.get(name, "").strip() for name in _USER_HEADERS):
        return
    if "user" in body.members and _is_name(body.read("user")):
        return
    raise AuthenticationFailed(
        "Authentication Error, 'user' param not passed in. 'enforce_user_param'=True: name the end user in "
        "the member 'user', or in the header x-litellm-end-user-id.",
        param="user",
    )


def check_client_tags(context: RequestContext) -> None:
    """`reject_clientside_metadata_tags`: raise BadRequest for a request that brings tags of its own."""
    body = context.body
    found = [f"{name}.tags" for name in _METADATA if "tags" in _mapping(body, name)]
    if "tags" in body.members:
        found.append("tags")
    if "x-litellm-tags" in context.head.headers:
        found.append("x-litellm-tags")
    if found:
        raise BadRequest(
            f"Client-side '{found[0]}' not allowed in request. 'reject_clientside_metadata_tags'=True. "
            "Tags can only be set via API key metadata.",
            param=found[0],
            type="bad_request_error",
        )


def check_guardrails_kept(context: RequestContext) -> None:
    """Raise PermissionDenied for a request that chooses guardrails although its team may not."""
    body = context.body
    found = [name for name in _GUARDRAIL_MEMBERS if name in body.members]
    for container in _METADATA:
        found += (f"{container}.{name}" for name in _GUARDRAIL_MEMBERS & _mapping(body, container).keys())
    if found:
        raise PermissionDenied(
            "Your team does not have permission to modify guardrails. "
            f"Leave '{min(found)}' out, or ask an administrator of the team.",
            param=min(found),
        )


def check_trace_id(context: RequestContext) -> None:
    """Raise BadRequest for a request that no header ties to others."""
    headers, principal = context.head.headers, context.principal
    if not any(headers.get(name) for name in TRACE_HEADERS):
        # The operator can demand it of everybody, and an agent of who speaks for it.
        of_agent = principal.agent_rules is not None and principal.agent_rules.requires_trace_id
        whose = "made with this agent's key" if of_agent else "of this kind"
        raise BadRequest(
            f"Requests {whose} must include the x-litellm-trace-id header.",
            param="x-litellm-trace-id",
            type="bad_request_error",
        )


def build_required_check(paths: Sequence[str]) -> Callable[[RequestContext], None]:
    """`enforced_params`: a check that raises BadRequest for the first of these members that is missing.

    A path may lead into a member: `metadata.generation_name`.
    """
    wanted = tuple((path, *path.partition(".")[::2]) for path in paths)

    def check(context: RequestContext) -> None:
        body = context.body
        for path, name, inner in wanted:
            if name not in body.members or (inner and inner not in _mapping(body, name)):
                raise BadRequest(
                    f"BadRequest please pass param={path} in request body. This is a required param.",
                    param=path,
                    type="bad_request_error",
                )

    return check


def build_cache_check(allowed: Iterable[str]) -> Callable[[RequestContext], None]:
    """`allowed_cache_controls`: a check that raises PermissionDenied for other members of `cache`."""
    names = frozenset(allowed)

    def check(context: RequestContext) -> None:
        if "cache" not in context.body.members:
            return
        for name in _mapping(context.body, "cache"):
            if name not in names:
                raise PermissionDenied(
                    f"Not allowed to set {name} as a cache control. Contact admin to change permissions.",
                    param=f"cache.{name}",
                )

    return check


def _is_name(value: object) -> bool:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return is_number or (isinstance(value, str) and bool(value.strip()))


def _mapping(body: RequestBody, name: str) -> Mapping[str, object]:
    value = body.read(name) if name in body.members else None
    return (
        cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
    )  # JSON objects have text keys
