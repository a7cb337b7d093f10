"""The aliases of a key and of its team, as the first step of resolving a model name."""

from gateway.hooks import RequestContext, hookimpl

__all__ = ["Aliases"]


class Aliases:
    """Replaces a model name by the target of the key's alias, then of the team's."""

    @hookimpl
    async def resolve_model(self, model: str, context: RequestContext) -> str | None:
        """Return the target, or None when neither key nor team has an alias of this name."""
        principal = context.principal
        if not principal.aliases and not principal.team_aliases:
            return None
        target = principal.aliases.get(model, model)
        return principal.team_aliases.get(target, target)
