"""The checks that a model request passes before anything is spent on it."""

from gateway.access.banned import check_banned
from gateway.access.client_choices import ClientChoices, take_choice
from gateway.access.models import ModelLists, ModelNames
from gateway.access.routes import RouteLists
from gateway.clock import Clock
from gateway.domain import ModelGrant, Principal, ScopeKind
from gateway.errors import ModelAccessDenied, PermissionDenied
from gateway.hooks import RequestContext, hookimpl
from gateway.identity.special import NO_DEFAULT_MODELS
from gateway.identity.standing import check_standing

__all__ = ["AccessChecks", "check_models", "is_model_allowed"]

_DENIED_TYPES = {
    ScopeKind.KEY: "key_model_access_denied",
    ScopeKind.TEAM: "team_model_access_denied",
    ScopeKind.TEAM_MEMBER: "team_model_access_denied",
    ScopeKind.USER: "user_model_access_denied",
    ScopeKind.ORGANIZATION: "org_model_access_denied",
    ScopeKind.ORGANIZATION_MEMBER: "org_model_access_denied",
    ScopeKind.PROJECT: "project_model_access_denied",
    ScopeKind.END_USER: "customer_model_access_denied",
    ScopeKind.AGENT: "agent_model_access_denied",
}
_LONGEST_NAME = 256


class AccessChecks:
    """The hook `authorize` of the core: standing, routes, banned members, models, in this order."""

    def __init__(
        self, clock: Clock, names: ModelNames | None = None, choices: ClientChoices | None = None
    ) -> None:
        self._clock = clock
        self._choices = choices
        self._lists = ModelLists(names)
        self._routes = RouteLists()

    # A plugin's opinion is asked only of what may be done at all.
    @hookimpl(tryfirst=True)
    async def authorize(self, context: RequestContext) -> None:
        """Refuse by raising the error of the first check that fails."""
        principal = context.principal
        check_standing(principal, self._clock)
        if principal.unreadable:
            raise _unreadable(principal)
        if principal.allowed_routes:
            self._routes.check(principal.allowed_routes, context.head.path)
        if check_banned(context.body, context.routed_model, self._choices):
            context.client_choice = take_choice(context.body)
        if principal.grants:
            check_models(self._lists, principal, context.model, context.routed_model)


def _unreadable(principal: Principal) -> PermissionDenied:
    owner, setting = principal.unreadable[0]
    # The id of a key is its hash, which nobody knows it by.
    name = principal.key_name if owner.kind is ScopeKind.KEY else owner.id
    return PermissionDenied(
        f"The setting '{setting}' of {owner.kind.value} '{name}' is stored in a form that cannot be read, "
        "and it may be a restriction. An administrator has to set it anew.",
        param=setting,
    )


def check_models(lists: ModelLists, principal: Principal, model: str, routed_model: str) -> None:
    """Raise ModelAccessDenied unless every grant covers the model.

    The key's own list may name the alias or its target. Of the others a key's alias opens nothing: they see
    the name that it leads to, so that nobody reaches a model by renaming it.
    """
    aliased = principal.aliases.get(model, model) if principal.aliases else model
    for grant in principal.grants:
        name = model if grant.owner.kind is ScopeKind.KEY else aliased
        if lists.covers(grant.models, name):
            continue
        if routed_model == name or not lists.covers(grant.models, routed_model):
            raise _denied(grant, model)


def is_model_allowed(lists: ModelLists, principal: Principal, model: str, routed_model: str) -> bool:
    """Whether `check_models` would pass: for the list of models that a caller may see."""
    try:
        check_models(lists, principal, model, routed_model)
    except ModelAccessDenied:
        return False
    return True


def _denied(grant: ModelGrant, model: str) -> ModelAccessDenied:
    kind = grant.owner.kind
    if NO_DEFAULT_MODELS in grant.models:
        kind = ScopeKind.KEY
    return ModelAccessDenied(
        f"The requested model '{model[:_LONGEST_NAME]}' is not available for this API key, or the model name "
        "is invalid. Call `/v1/models` to view available models for your key.",
        param="model",
        type=_DENIED_TYPES.get(kind, "key_model_access_denied"),
    )
