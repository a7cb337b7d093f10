"""The services of the management API, built together upon one set of stores."""

import msgspec

from gateway.audit.trail import AuditTrail
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.identity.access_groups.service import AccessGroupService
from gateway.identity.access_groups.store import AccessGroupRecords
from gateway.identity.budgets.service import BudgetService
from gateway.identity.customers.service import CustomerService
from gateway.identity.keys.archive_store import KeyArchive
from gateway.identity.keys.control import KeyControl
from gateway.identity.keys.listing import KeyListing
from gateway.identity.keys.moves import KeyMoves
from gateway.identity.keys.rotation import KeyRotation
from gateway.identity.keys.rules import Covers
from gateway.identity.keys.service import KeyService
from gateway.identity.keys.updates import KeyUpdates
from gateway.identity.newcomers import NewcomerDefaults, build_newcomer_defaults
from gateway.identity.organizations.members import OrganizationMembers
from gateway.identity.organizations.members_store import MemberRecords
from gateway.identity.organizations.removal import OrganizationRemoval
from gateway.identity.organizations.removal_store import OrganizationRemovals
from gateway.identity.organizations.response import OrganizationView
from gateway.identity.organizations.service import OrganizationService
from gateway.identity.people import People, build_people
from gateway.identity.projects.service import ProjectService
from gateway.identity.records import Records
from gateway.identity.reset_calendar import ResetCalendar
from gateway.identity.tags.listing import TagListing
from gateway.identity.tags.service import TagService
from gateway.identity.teams.removal_store import TeamRemovals
from gateway.identity.teams.secrets import TeamSecrets
from gateway.identity.teams.service import TeamService
from gateway.identity.tokens.mappings.service import MappingService
from gateway.identity.users.arrivals import Arrivals
from gateway.identity.users.service import UserService
from gateway.settings import Settings

__all__ = ["ServiceOptions", "Services", "build_service_options", "build_services"]


class ServiceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration decides; `covers` says whether a list of models covers a name."""

    covers: Covers
    newcomers: NewcomerDefaults
    seal: Seal
    """Encrypts with the salt key."""


def build_service_options(settings: Settings, covers: Covers, seal: Seal) -> ServiceOptions:
    """The options of the configuration; `seal` is the process's one, which a rotation gives another key."""
    return ServiceOptions(covers=covers, newcomers=build_newcomer_defaults(settings), seal=seal)


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """One service per resource."""

    access_groups: AccessGroupService
    budgets: BudgetService
    customers: CustomerService
    key_control: KeyControl
    key_listing: KeyListing
    key_moves: KeyMoves
    key_rotation: KeyRotation
    key_updates: KeyUpdates
    mappings: MappingService
    organization_members: OrganizationMembers
    organization_removal: OrganizationRemoval
    newcomers: NewcomerDefaults
    organizations: OrganizationService
    people: People
    projects: ProjectService
    tag_listing: TagListing
    tags: TagService
    teams: TeamService
    users: UserService


def build_services(
    database: Database,
    clock: Clock,
    keys: KeyService,
    calendar: ResetCalendar,
    options: ServiceOptions,
    audit: AuditTrail,
) -> Services:
    """Build every service."""
    covers, newcomers = options.covers, options.newcomers
    records = Records(database, clock, calendar, audit)
    arrivals = Arrivals(records, newcomers)
    moves = KeyMoves(database, records)
    updates = KeyUpdates(database, records, keys.defaults, covers, keys.owners)
    secrets = TeamSecrets(options.seal)
    teams = TeamService(records, arrivals, covers, newcomers, secrets)
    users = UserService(records, keys, covers, newcomers)
    members = MemberRecords(database)
    organization_view = OrganizationView(records, members)
    return Services(
        access_groups=AccessGroupService(records, AccessGroupRecords(database)),
        budgets=BudgetService(records),
        customers=CustomerService(records),
        key_control=KeyControl(database, records, keys.owners),
        key_listing=KeyListing(database, records),
        key_moves=moves,
        key_rotation=KeyRotation(records, moves, updates, keys.owners, covers),
        key_updates=updates,
        mappings=MappingService(database, records, keys),
        organization_members=OrganizationMembers(records, members, organization_view, arrivals),
        organization_removal=OrganizationRemoval(
            records,
            OrganizationRemovals(database),
            KeyArchive(database),
            TeamRemovals(database),
            organization_view,
        ),
        newcomers=newcomers,
        organizations=OrganizationService(records, organization_view),
        people=build_people(database, records, teams, users, updates, newcomers, secrets),
        projects=ProjectService(records, covers),
        tag_listing=TagListing(records),
        tags=TagService(records),
        teams=teams,
        users=users,
    )
