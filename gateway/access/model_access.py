"""Whether everybody on a request may use its model: key, team, user, ..., and what the request names."""

from collections.abc import Iterable, Iterator

from gateway.access.models import ModelLists
from gateway.domain import ModelGrant, Principal, ScopeKind, Subject
from gateway.errors import ModelAccessDenied
from gateway.identity.special_models import NO_DEFAULT_MODELS

__all__ = [
    "LONGEST_NAME",
    "check_grant",
    "check_models",
    "check_subject_models",
    "denied",
    "is_granted",
    "is_model_allowed",
]

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
LONGEST_NAME = 256
"""Characters of a model name that a message repeats."""


def check_models(lists: ModelLists, principal: Principal, model: str, routed_model: str) -> None:
    """Raise ModelAccessDenied unless every grant of the caller covers the model.

    The key's own list may name the alias or its target. Of the others a key's alias opens nothing: they see
    the name that it leads to, so that nobody reaches a model by renaming it.
    """
    for grant in principal.grants:
        check_grant(lists, principal, grant, model, routed_model)


def check_subject_models(
    lists: ModelLists, principal: Principal, subjects: Iterable[Subject], model: str, routed_model: str
) -> None:
    """Raise ModelAccessDenied unless every grant of what the request names covers the model."""
    for subject in subjects:
        for grant in subject.grants:
            check_grant(lists, principal, grant, model, routed_model)


def check_grant(
    lists: ModelLists, principal: Principal, grant: ModelGrant, model: str, routed_model: str
) -> None:
    """Raise ModelAccessDenied unless one grant covers the model."""
    if not is_granted(lists, principal, grant, model, routed_model):
        raise denied(grant, model)


def is_granted(
    lists: ModelLists, principal: Principal, grant: ModelGrant, model: str, routed_model: str
) -> bool:
    """Whether one grant covers a model, by a name that its owner goes by or by where that leads."""
    names = dict.fromkeys((*_names_of(principal, grant, model), routed_model))
    return any(_covers(lists, grant, name) for name in names)


def is_model_allowed(lists: ModelLists, principal: Principal, model: str, routed_model: str) -> bool:
    """Whether `check_models` would pass: for the list of models that a caller may see."""
    try:
        check_models(lists, principal, model, routed_model)
    except ModelAccessDenied:
        return False
    return True


def _names_of(principal: Principal, grant: ModelGrant, model: str) -> Iterator[str]:
    """What the asked name is called on its way; of a key's alias the others see where it leads only."""
    target = principal.aliases.get(model, model)
    if grant.owner.kind is ScopeKind.KEY:
        yield model
    yield target
    yield principal.team_aliases.get(target, target)


def denied(grant: ModelGrant, model: str) -> ModelAccessDenied:
    """Build the refusal of a grant; what the grant contains is never told."""
    kind = grant.owner.kind
    if NO_DEFAULT_MODELS in grant.models:
        kind = ScopeKind.KEY
    return ModelAccessDenied(
        f"The requested model '{model[:LONGEST_NAME]}' is not available for this API key, or the model name "
        "is invalid. Call `/v1/models` to view available models for your key.",
        param="model",
        type=_DENIED_TYPES.get(kind, "key_model_access_denied"),
    )


def _covers(lists: ModelLists, grant: ModelGrant, name: str) -> bool:
    """The list itself, and only if it denies the unified access groups, where an empty one opens nothing."""
    if lists.covers(grant.models, name):
        return True
    return bool(grant.group_models) and lists.covers(grant.group_models, name)
