"""The services of teams and users beside their making, built together."""

import msgspec

from gateway.db.engine import Database
from gateway.identity.keys.archive_store import KeyArchive
from gateway.identity.keys.updates import KeyUpdates
from gateway.identity.model_requests.service import ModelRequests
from gateway.identity.model_requests.store import ModelRequestRecords
from gateway.identity.newcomers import NewcomerDefaults
from gateway.identity.records import Records
from gateway.identity.scim.build import Scim, build_scim
from gateway.identity.teams.bulk import BulkMembers
from gateway.identity.teams.callbacks import TeamCallbacks
from gateway.identity.teams.key_bulk import TeamKeys
from gateway.identity.teams.leaving import TeamLeaving
from gateway.identity.teams.listing import TeamLists
from gateway.identity.teams.listing_store import TeamListing
from gateway.identity.teams.members import TeamMembers
from gateway.identity.teams.members_store import MembershipRecords
from gateway.identity.teams.removal import TeamRemoval
from gateway.identity.teams.removal_store import TeamRemovals
from gateway.identity.teams.secrets import TeamSecrets
from gateway.identity.teams.service import TeamService
from gateway.identity.teams.settings import TeamSettings
from gateway.identity.teams.settings_store import TeamSettingRecords
from gateway.identity.users.bulk import BulkUsers
from gateway.identity.users.listing import UserLists
from gateway.identity.users.listing_store import UserListing
from gateway.identity.users.removal import UserRemoval
from gateway.identity.users.removal_store import UserRemovals
from gateway.identity.users.service import UserService

__all__ = ["People", "build_people"]


class People(msgspec.Struct, frozen=True, kw_only=True):
    """One service per thing that is done with teams and users."""

    model_requests: ModelRequests
    scim: Scim
    team_bulk: BulkMembers
    team_callbacks: TeamCallbacks
    team_keys: TeamKeys
    team_leaving: TeamLeaving
    team_lists: TeamLists
    team_members: TeamMembers
    team_removal: TeamRemoval
    team_settings: TeamSettings
    user_bulk: BulkUsers
    user_lists: UserLists
    user_removal: UserRemoval


def build_people(
    database: Database,
    records: Records,
    teams: TeamService,
    users: UserService,
    updates: KeyUpdates,
    newcomers: NewcomerDefaults,
    secrets: TeamSecrets,
) -> People:
    """Build every service."""
    keys, removals = KeyArchive(database), TeamRemovals(database)
    members = TeamMembers(records, MembershipRecords(database))
    removal = UserRemoval(records, keys, removals, UserRemovals(database))
    leaving, team_removal = TeamLeaving(records, keys, removals), TeamRemoval(records, keys, removals)
    return People(
        model_requests=ModelRequests(records, ModelRequestRecords(database), users),
        scim=build_scim(database, records, users, removal, teams, leaving, team_removal),
        team_bulk=BulkMembers(records, teams, members),
        team_callbacks=TeamCallbacks(records, secrets),
        team_keys=TeamKeys(records, updates),
        team_leaving=leaving,
        team_lists=TeamLists(records, TeamListing(database, records.teams), newcomers),
        team_members=members,
        team_removal=team_removal,
        team_settings=TeamSettings(records, teams, TeamSettingRecords(database)),
        user_bulk=BulkUsers(records, users, removal),
        user_lists=UserLists(records, UserListing(database, records.users)),
        user_removal=removal,
    )
