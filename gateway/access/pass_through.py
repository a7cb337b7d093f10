"""The checks that a request of a pass-through passes before anything is spent on it."""

from collections.abc import Callable, Iterable

from gateway.access.body_rules import check_client_tags, check_trace_id, check_user_named
from gateway.access.models import ModelLists
from gateway.access.pass_through_routes import check_pass_through_routes
from gateway.access.plan import PlanBuilder
from gateway.access.roles import check_admin_routes
from gateway.access.routes import covers_pass_through, route_refusal
from gateway.access.subject_checks import check_agents, check_subjects
from gateway.clock import Clock
from gateway.domain import Endpoint, Principal
from gateway.errors import PermissionDenied
from gateway.hooks import RequestContext, hookimpl
from gateway.settings import AccessSettings

__all__ = ["ANYBODY", "PassThroughChecks"]

ANYBODY = Principal(token_hash="")
"""The caller of a pass-through that asks for no key."""

_Check = Callable[[RequestContext], None]


class PassThroughChecks:
    """The hook `authorize` of the core for pass-throughs, in the place of that of model requests.

    No list of models is asked, for there is no model, and no rule on members of the body, which is not read.
    """

    def __init__(
        self, clock: Clock, settings: AccessSettings, withheld_tools: frozenset[str] = frozenset()
    ) -> None:
        self._settings = settings
        self._withheld_tools = withheld_tools
        self._builder = PlanBuilder(clock, ModelLists(), settings)
        self._demands: tuple[_Check, ...] = tuple(_demands(settings))

    # A plugin's opinion is asked only of what may be done at all.
    @hookimpl(tryfirst=True)
    async def authorize(self, context: RequestContext) -> None:
        """Refuse by raising the error of the first check that fails.

        Which tool of an MCP server is called is known later: the request is told which are withheld.
        """
        context.withheld_tools = self._withheld_tools
        principal, path = context.principal, context.head.path
        if self._settings.disable_llm_api_endpoints:
            raise PermissionDenied(f"Route {path[:200]} is disabled on this gateway.", param="route")
        if principal is ANYBODY:
            return
        check_subjects(context.subjects)
        unreadable = self._builder.find_unreadable(principal).check
        if unreadable is not None:
            unreadable(context)
        for check in self._demands:
            check(context)
        check_agents(context)
        if principal.agent_rules is not None and principal.agent_rules.requires_trace_id:
            check_trace_id(context)
        check_admin_routes(self._settings.admin_only_routes, principal, path)
        self._check_role(principal, path)
        check_pass_through_routes(principal, path)

    def _check_role(self, principal: Principal, path: str) -> None:
        role = None if principal.role is None else principal.role.value
        for entry in self._settings.role_permissions:
            routes = entry.routes if entry.role == role else ()
            if routes and not any(covers_pass_through(one, path) for one in routes):
                raise route_refusal(path, f"The role {role}")


def _demands(settings: AccessSettings) -> Iterable[_Check]:
    """What the configuration demands of every request, as far as headers can say it."""
    if settings.require_trace_id:
        yield check_trace_id
    if settings.reject_clientside_metadata_tags:
        yield check_client_tags
    if settings.enforce_user_param:
        yield _check_user_named


def _check_user_named(context: RequestContext) -> None:
    """Ask for an end user where something is sent; clients of MCP servers have no way to name one."""
    if context.head.method == "POST" and context.endpoint is not Endpoint.MCP:
        check_user_named(context)
