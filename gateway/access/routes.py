"""The list of routes that a key is restricted to: paths, wildcards and the contract's route groups."""

from collections.abc import Sequence

from gateway.cache.memo import Memo
from gateway.errors import PermissionDenied

__all__ = [
    "INFO_ROUTES",
    "LLM_GROUPS",
    "LLM_ROUTES",
    "MANAGEMENT_ROUTES",
    "RouteLists",
    "covers_own_path",
    "covers_pass_through",
    "covers_path",
    "plain_path",
    "route_refusal",
]

_MCP_ROUTES = (
    *("/mcp", "/mcp/*", "/{}/mcp", "/{}/{}/mcp", "/{}/mcp/sse", "/{}/{}/mcp/sse"),
    *("/mcp-rest/tools/list", "/mcp-rest/tools/call"),
)
"""What reaches MCP servers; the name of one may have a slash."""

_LONGEST_PATH = 200
"""Characters of a path that a message repeats."""

_MODEL_ROUTES = (
    "chat/completions",
    "completions",
    "embeddings",
    "responses",
    "moderations",
    "rerank",
    "audio/transcriptions",
    "audio/translations",
    "audio/speech",
    "images/generations",
    "images/edits",
    "images/variations",
)

LLM_ROUTES: tuple[str, ...] = (
    *(f"/{route}" for route in _MODEL_ROUTES),
    *(f"/v1/{route}" for route in _MODEL_ROUTES),
    *(f"/engines/{{}}/{route}" for route in _MODEL_ROUTES),
    *(f"/openai/deployments/{{}}/{route}" for route in _MODEL_ROUTES),
    *("/models", "/models/*", "/v1/models", "/v1/models/*"),
    *("/v1/messages", "/v1/messages/*", "/v1/responses/*", "/responses/*", "/v1/realtime", "/realtime"),
    *("/v1/files", "/v1/files/*", "/files", "/files/*", "/v1/batches", "/v1/batches/*", "/batches"),
    *("/v1/vector_stores", "/v1/vector_stores/*", "/v1/search", "/v1/search/*"),
    *_MCP_ROUTES,
    *("/v1beta/models", "/v1beta/models/*"),
    *("/utils/token_counter", "/utils/model_info"),
)
"""What `llm_api_routes` stands for; `{}` is one segment, a final `*` one or more."""

LLM_GROUPS = frozenset({"llm_api_routes", "openai_routes"})
"""The groups that also take in every pass-through."""
_MANAGEMENT_GROUPS = frozenset(
    {"management_routes", "info_routes", "spend_tracking_routes", "global_spend_tracking_routes"}
)
"""The groups that take in none, whatever its path is."""

INFO_ROUTES: tuple[str, ...] = (
    *("/key/info", "/v2/key/info", "/key/list", "/key/health", "/team/info", "/team/list", "/v2/team/list"),
    *("/team/available", "/user/info", "/v2/user/info", "/organization/info", "/organization/list"),
    *("/auth/explain", "/project/info", "/project/list", "/model/info", "/v1/model/info", "/v2/model/info"),
    *("/model_group/info", "/models", "/v1/models", "/health"),
)
"""What `info_routes` stands for."""

MANAGEMENT_ROUTES: tuple[str, ...] = (
    *INFO_ROUTES,
    *("/key/*", "/v2/key/*", "/user/*", "/team/*", "/v2/team/*", "/organization/*", "/v2/organization/*"),
    *("/project/*", "/customer/*", "/end_user/*", "/budget/*", "/tag/*", "/model/*", "/jwt/key/mapping/*"),
    *("/v1/access_group", "/v1/access_group/*", "/v1/unified_access_group", "/v1/unified_access_group/*"),
    *("/spend/*", "/global/*", "/credentials", "/credentials/*", "/invitation/*", "/audit", "/audit/*"),
    "/management/v1/*",
)
"""What `management_routes` stands for."""

_SPEND_ROUTES = ("/spend/*",)
_GLOBAL_SPEND_ROUTES = ("/global/*",)
_ANTHROPIC_ROUTES = ("/v1/messages", "/v1/messages/*")

_GROUPS = {
    "spend_tracking_routes": _SPEND_ROUTES,
    "global_spend_tracking_routes": _GLOBAL_SPEND_ROUTES,
    "mcp_routes": _MCP_ROUTES,
    "anthropic_routes": _ANTHROPIC_ROUTES,
    "llm_api_routes": LLM_ROUTES,
    "openai_routes": LLM_ROUTES,
    "info_routes": INFO_ROUTES,
    "management_routes": MANAGEMENT_ROUTES,
}


class RouteLists:
    """Holds keys with `allowed_routes` to them; answers are remembered, a bounded number."""

    def __init__(self) -> None:
        self._covers = Memo(_is_covered)

    def check(self, allowed_routes: tuple[str, ...], path: str) -> None:
        """Raise PermissionDenied when the list is not empty and none of its entries covers the path."""
        if allowed_routes and not self.covers(allowed_routes, path):
            raise route_refusal(path)

    def covers(self, routes: tuple[str, ...], path: str) -> bool:
        """Whether one of the entries covers the path."""
        return self._covers((routes, path))


def route_refusal(path: str, owner: str = "Virtual key") -> PermissionDenied:
    """The refusal of a path that no entry of an owner's list covers; what the list has is not told."""
    return PermissionDenied(
        f"{owner} is not allowed to call this route. Tried to call route: {path[:_LONGEST_PATH]}. "
        "An administrator can allow it."
    )


def plain_path(path: str) -> str:
    """A path as a router may understand it: for rules that close, which a crafted spelling may not evade."""
    return "/" + "/".join(part for part in path.split("/") if part)


def covers_path(entry: str, path: str) -> bool:
    """Whether one entry (a group, a path, or a path ending in `/*`) covers a path, segment by segment.

    A crafted path opens nothing: empty segments, dots and a trailing slash are not those of any entry.
    """
    group = _GROUPS.get(entry)
    if group is not None:
        return any(covers_path(route, path) for route in group)
    wanted, given = entry.split("/"), path.split("/")
    if any(part in {"", ".", ".."} for part in given[1:]):
        return False
    if wanted[-1] == "*":
        return len(given) >= len(wanted) and _equal_segments(wanted[:-1], given[: len(wanted) - 1])
    return len(given) == len(wanted) and _equal_segments(wanted, given)


def covers_own_path(entry: str, path: str) -> bool:
    """As `covers_path`, for a route of the gateway: what begins with any name is a path of MCP servers."""
    group = _GROUPS.get(entry)
    if group is None:
        return covers_path(entry, path)
    return any(covers_path(route, path) for route in group if not route.startswith("/{}"))


def covers_pass_through(entry: str, path: str) -> bool:
    """As `covers_path`, for what is no route of the gateway: a group takes in all of them, or none."""
    return entry in LLM_GROUPS or (entry not in _MANAGEMENT_GROUPS and covers_path(entry, path))


def _equal_segments(wanted: Sequence[str], given: Sequence[str]) -> bool:
    return all(part in ("{}", actual) for part, actual in zip(wanted, given, strict=True))


def _is_covered(question: tuple[tuple[str, ...], str]) -> bool:
    allowed_routes, path = question
    return any(covers_path(entry, path) for entry in allowed_routes)
