"""The services of SCIM, built together."""

import msgspec

from gateway.db.engine import Database
from gateway.identity.records import Records
from gateway.identity.scim.groups import ScimGroups
from gateway.identity.scim.store import Directory
from gateway.identity.scim.users import ScimUsers
from gateway.identity.teams.leaving import TeamLeaving
from gateway.identity.teams.removal import TeamRemoval
from gateway.identity.teams.service import TeamService
from gateway.identity.users.removal import UserRemoval
from gateway.identity.users.service import UserService

__all__ = ["Scim", "build_scim"]


class Scim(msgspec.Struct, frozen=True, kw_only=True):
    """One service per kind of resource."""

    groups: ScimGroups
    users: ScimUsers


def build_scim(
    database: Database,
    records: Records,
    users: UserService,
    user_removal: UserRemoval,
    teams: TeamService,
    leaving: TeamLeaving,
    team_removal: TeamRemoval,
) -> Scim:
    """Build both upon the services that people use."""
    directory = Directory(database)
    return Scim(
        groups=ScimGroups(records, directory, teams, leaving, team_removal),
        users=ScimUsers(records, directory, users, user_removal),
    )
