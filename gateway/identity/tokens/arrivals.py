"""Users, teams and memberships that a token brings with it, where the configuration lets it."""

from collections.abc import Iterable, Sequence

from gateway.domain import Principal, Role, Scope, ScopeKind
from gateway.errors import BadRequest, Conflict
from gateway.identity.services import Services
from gateway.identity.teams.member_request import MemberRef
from gateway.identity.teams.request import AddMembersRequest, Member, NewTeamRequest
from gateway.identity.tokens.identity import TokenIdentity
from gateway.identity.tokens.store import TeamColumns, UserMatch
from gateway.identity.users.request import NewUserRequest
from gateway.settings.jwt import JwtSettings

__all__ = ["PROVIDER", "TokenArrivals"]

_USER_ROLES = frozenset(
    {Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER}
)
PROVIDER = Principal(
    token_hash="identity-provider",  # noqa: S106  who is written down as having made the change
    role=Role.PROXY_ADMIN,
    scopes=(Scope(ScopeKind.KEY, "identity-provider"),),
)


class TokenArrivals:
    """Makes what is missing by the services of the management API, as they check and announce it.

    What somebody else makes at the same moment is no error. Raises DatabaseUnavailable.
    """

    def __init__(self, services: Services, settings: JwtSettings) -> None:
        self._services = services
        self._settings = settings

    async def make_user(self, user_id: str, identity: TokenIdentity) -> None:
        """Make a user who is not there."""
        role = None if identity.is_admin or identity.role not in _USER_ROLES else identity.role
        request = NewUserRequest(
            user_id=user_id,
            user_email=identity.user_email,
            user_role=None if role is None else role.value,  # type: ignore[arg-type]  a role that users have
            auto_create_key=False,
        )
        try:
            await self._services.users.create(PROVIDER, request)
        except Conflict:
            return

    async def make_team(self, team_id: str) -> None:
        """Make a team that is not there."""
        try:
            await self._services.teams.create(PROVIDER, NewTeamRequest(team_id=team_id, team_alias=team_id))
        except BadRequest:
            return

    async def keep_role(self, user: UserMatch, role: Role | None) -> None:
        """Write down the role that the token gives, where the configuration wants that."""
        if role is None or role not in _USER_ROLES or user.role == role:
            return
        if self._settings.sync_user_role_and_teams:
            await self._services.users.update(PROVIDER, {"user_id": user.user_id, "user_role": role.value})

    @property
    def enters_teams(self) -> bool:
        """Whether users become members of the teams that their tokens name."""
        return self._settings.upsert_sso_user_to_team or self._settings.sync_user_role_and_teams

    async def enter_teams(self, user_id: str, teams: Sequence[TeamColumns], present: frozenset[str]) -> None:
        """Make the user a member of these teams, but for those where the user is one."""
        for team in teams:
            if team.team_id in present:
                continue
            request = AddMembersRequest(team_id=team.team_id, member=Member(user_id=user_id))
            try:
                await self._services.teams.add_members(PROVIDER, request)
            except BadRequest:
                continue

    async def leave_teams(self, user_id: str, team_ids: Iterable[str]) -> None:
        """Take the user out of teams that the token does not list, where the configuration wants that."""
        if not self._settings.sync_user_role_and_teams:
            return
        for team_id in team_ids:
            try:
                await self._services.people.team_leaving.remove(PROVIDER, team_id, MemberRef(user_id=user_id))
            except BadRequest:
                continue
