"""Models of teams: who may use a group of deployments, and the public names that teams have for them."""

from collections.abc import Iterable, Mapping

import msgspec

from gateway.domain import Deployment, ModelGroup

__all__ = ["NO_TEAM_MODELS", "TeamModels", "build_team_models", "team_of"]


class TeamModels(msgspec.Struct, frozen=True, kw_only=True):
    """`names` are names of groups by team and public name, `groups` those that had to be made for it.

    `teams` are, by name of a group, the teams that alone may use it; a group for everybody is not in it.
    """

    names: dict[tuple[str, str], str] = {}
    groups: dict[str, ModelGroup] = {}
    teams: dict[str, frozenset[str]] = {}

    def public_names(self, team_id: str) -> list[str]:
        """The public names that a team has for models of its own."""
        return [public for team, public in self.names if team == team_id]


NO_TEAM_MODELS = TeamModels()


def team_of(deployment: Deployment) -> str | None:
    """The team that alone may use a deployment (`model_info.team_id`); None for everybody's."""
    team = deployment.model_info.get("team_id")
    return None if team is None else str(team)


def build_team_models(groups: Mapping[str, ModelGroup]) -> TeamModels:
    """Find the models of teams among the groups of a configuration.

    One public name of a team may stand for groups of several internal names, as each deployment that is added
    for a team gets one of its own: they become one group.
    """
    found: dict[tuple[str, str], list[Deployment]] = {}
    teams: dict[str, frozenset[str]] = {}
    for name, group in groups.items():
        owners = {team_of(one) for one in group.deployments}
        if None not in owners:
            teams[name] = frozenset(team for team in owners if team is not None)
        for one in group.deployments:
            team, public = team_of(one), one.model_info.get("team_public_model_name")
            if team is not None and isinstance(public, str) and public:
                found.setdefault((team, public), []).append(one)
    made: dict[str, ModelGroup] = {}
    names: dict[tuple[str, str], str] = {}
    for (team, public), deployments in found.items():
        names[team, public] = name = _name_of(team, public, deployments)
        if name not in groups:
            made[name] = ModelGroup(name, tuple(deployments))
            teams[name] = frozenset({team})
    return TeamModels(names=names, groups=made, teams=teams)


def _name_of(team: str, public: str, deployments: Iterable[Deployment]) -> str:
    internal = {one.group for one in deployments}
    return internal.pop() if len(internal) == 1 else f"model_name_{team}_{public}"
