"""The aliases of key, team and operator, and the team's own models: how a model name is resolved first."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.domain import Principal
from gateway.hooks import RequestContext, hookimpl

__all__ = ["Aliases", "TeamModels", "follow_aliases"]

TeamModels = Mapping[tuple[str, str], str]
"""The name of a group of deployments, by a team and the public name under which that team has it."""

_NONE: TeamModels = MappingProxyType({})
_NO_ALIASES: Mapping[str, str] = MappingProxyType({})


class Aliases:
    """Follows the key's alias, then the team's, the public name of a model of the team's own, the operator's.

    Lists and limits go by the name at the end too, so that no other name of a model leads past them.
    """

    def __init__(self, team_models: TeamModels = _NONE, operators: Mapping[str, str] = _NO_ALIASES) -> None:
        self._team_models = team_models
        self._operators = operators

    @hookimpl
    def resolve_model(self, model: str, context: RequestContext) -> str | None:
        """Return the target, or None when nobody has another meaning for this name."""
        principal = context.principal
        if principal.aliases or principal.team_aliases:
            model = follow_aliases(principal, model)
        elif (not self._team_models or principal.team_id is None) and model not in self._operators:
            return None
        if principal.team_id is not None:
            model = self._team_models.get((principal.team_id, model), model)
        return self._operators.get(model, model)


def follow_aliases(principal: Principal, model: str) -> str:
    """Where the aliases of key and team lead from a name."""
    target = principal.aliases.get(model, model)
    return principal.team_aliases.get(target, target)
