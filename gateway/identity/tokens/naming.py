"""Whom a token names: user, teams, organization and agent, found by id, alias or address."""

from collections.abc import Sequence

import msgspec

from gateway.errors import AuthenticationFailed, BadRequest, NotFound, PermissionDenied
from gateway.identity.master import MASTER_USER_ID
from gateway.identity.tokens.arrivals import TokenArrivals
from gateway.identity.tokens.identity import TokenIdentity
from gateway.identity.tokens.store import TeamColumns, TokenStore, UserMatch
from gateway.settings.jwt import JwtSettings

__all__ = ["Named", "Naming"]


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """The objects that exist here; `team_ids` are in the order of the token."""

    user_id: str | None = None
    team_ids: tuple[str, ...] = ()
    organization_id: str | None = None


class Naming:
    """Finds, or makes where the configuration says so, whom a token names."""

    def __init__(self, store: TokenStore, arrivals: TokenArrivals, settings: JwtSettings) -> None:
        self._store = store
        self._arrivals = arrivals
        self._settings = settings

    async def find(self, identity: TokenIdentity) -> Named:
        """Return whom the token names.

        Raises AuthenticationFailed for a user who is not known and not made, NotFound for a team or an
        organization, PermissionDenied where teams are required or belong elsewhere.
        """
        user = await self._user(identity)
        organization_id = await self._organization(identity)
        if identity.agent_id is not None and not await self._store.has_agent(identity.agent_id):
            raise _unknown("Agent", "agent_id", identity.agent_id, "/v1/agents")
        teams = await self._teams(identity, user)
        if organization_id is not None:
            teams = _within(teams, organization_id)
        if user is not None and (identity.names_team or identity.role is not None):
            await self._settle_user(identity, user, teams)
        if not teams and self._settings.enforce_team_based_model_access and not identity.is_admin:
            raise PermissionDenied("The token names no team, and this gateway serves members of teams only.")
        return Named(
            user_id=None if user is None else user.user_id,
            team_ids=tuple(team.team_id for team in teams),
            organization_id=organization_id,
        )

    async def _user(self, identity: TokenIdentity) -> UserMatch | None:
        if identity.user_id is None and identity.user_email is None:
            return None
        if identity.user_id == MASTER_USER_ID:
            # The operator's own name: whoever may choose a name at the provider must not become the operator.
            raise AuthenticationFailed("Authentication Error, The user's name is reserved.")
        found = None if identity.user_id is None else await self._store.find_user(identity.user_id)
        found = found or await self._user_with_email(identity)
        if found is not None:
            return found
        name = identity.user_id or identity.user_email or ""
        if not self._settings.user_id_upsert:
            if identity.is_admin:
                return None
            raise AuthenticationFailed(
                f"Authentication Error, User doesn't exist in db. 'user_id'={name}. Create user via "
                "`/user/new` call."
            )
        await self._arrivals.make_user(name, identity)
        made = await self._store.find_user(name)
        if made is None:
            raise AuthenticationFailed(
                "Authentication Error, The user cannot be made: the address is another user's by now."
            )
        return made

    async def _user_with_email(self, identity: TokenIdentity) -> UserMatch | None:
        """The only user with the token's address, who is then known by the token's user id too."""
        if identity.user_email is None:
            return None
        known = await self._store.list_users_with_email(identity.user_email)
        if not known:
            return None
        if len(known) > 1 or (identity.user_id is not None and known[0].sso_user_id is not None):
            raise AuthenticationFailed(
                f"Authentication Error, The address {identity.user_email} is that of another user. An "
                "administrator can set `sso_user_id` of the one who is meant."
            )
        if not identity.is_email_proven:
            raise AuthenticationFailed(
                f"Authentication Error, The address {identity.user_email} is that of another user, and the "
                "identity provider does not say that it is verified ('email_verified'). An administrator can "
                "set `sso_user_id` of that user, or SSO_TRUST_EMAIL=true if the provider verifies addresses."
            )
        if identity.user_id is not None:
            await self._store.link_user(known[0].user_id, identity.user_id)
        return known[0]

    async def _settle_user(
        self, identity: TokenIdentity, user: UserMatch, teams: Sequence[TeamColumns]
    ) -> None:
        await self._arrivals.keep_role(user, identity.role)
        if identity.names_team and self._arrivals.enters_teams:
            present = frozenset(team.team_id for team in await self._store.list_teams_of_user(user.user_id))
            await self._arrivals.enter_teams(user.user_id, teams, present)
            if identity.lists_teams:
                left = present - {team.team_id for team in teams}
                await self._arrivals.leave_teams(user.user_id, sorted(left))

    async def _organization(self, identity: TokenIdentity) -> str | None:
        by_alias = identity.org_id is None
        name = identity.org_alias if by_alias else identity.org_id
        if name is None:
            return None
        found = await self._store.list_organizations(name, by_alias=by_alias)
        if len(found) > 1:
            raise _ambiguous("organizations", name, "org_id_jwt_field")
        if not found:
            raise _unknown("Organization", "organization", name, "/organization/new")
        return found[0]

    async def _teams(self, identity: TokenIdentity, user: UserMatch | None) -> list[TeamColumns]:
        teams = await self._claimed_teams(identity)
        if teams or identity.is_admin:
            return teams
        if identity.names_team:
            if not self._settings.team_claim_fallback:
                raise _unknown("Team", "team", _name_of(identity), "/team/new")
            return await self._only_team(user)
        if self._settings.team_id_default is not None:
            return await self._store.list_teams([self._settings.team_id_default])
        if user is None or not self._settings.fallback_to_db_teams:
            return await self._only_team(user) if self._reads_teams else []
        return await self._store.list_teams_of_user(user.user_id)

    @property
    def _reads_teams(self) -> bool:
        every = (self._settings.fields, *(issuer.fields for issuer in self._settings.issuers))
        return any(fields.team_id or fields.team_ids or fields.team_alias for fields in every)

    async def _claimed_teams(self, identity: TokenIdentity) -> list[TeamColumns]:
        if identity.team_alias is not None:
            found = await self._store.list_teams_with_alias(identity.team_alias)
            if len(found) > 1:
                raise _ambiguous("teams", identity.team_alias, "team_id_jwt_field")
            return found
        if not identity.team_ids:
            return []
        known = await self._list_in_order(identity.team_ids)
        if len(known) < len(identity.team_ids) and self._settings.team_id_upsert:
            present = {team.team_id for team in known}
            for team_id in identity.team_ids:
                if team_id not in present:
                    await self._arrivals.make_team(team_id)
            known = await self._list_in_order(identity.team_ids)
        return known

    async def _list_in_order(self, team_ids: Sequence[str]) -> list[TeamColumns]:
        by_id = {team.team_id: team for team in await self._store.list_teams(team_ids)}
        return [by_id[team_id] for team_id in team_ids if team_id in by_id]

    async def _only_team(self, user: UserMatch | None) -> list[TeamColumns]:
        """The user's team, if the user is in exactly one."""
        teams = [] if user is None else await self._store.list_teams_of_user(user.user_id)
        return teams if len(teams) == 1 else []


def _within(teams: Sequence[TeamColumns], organization_id: str) -> list[TeamColumns]:
    """The teams that belong to an organization or to none; raises PermissionDenied when none is left.

    Otherwise a token could have its team's requests charged to another organization.
    """
    kept = [team for team in teams if team.organization_id in {None, organization_id}]
    if teams and not kept:
        raise PermissionDenied("The token's team belongs to another organization than the token names.")
    return kept


def _name_of(identity: TokenIdentity) -> str:
    return identity.team_alias or ", ".join(identity.team_ids[:5])


def _unknown(kind: str, param: str, name: str, route: str) -> NotFound:
    message = f"{kind} doesn't exist in db. {kind}={name[:200]}. Create it via `{route}` call."
    return NotFound(message, param=param, type="auth_error")


def _ambiguous(kind: str, name: str, field: str) -> BadRequest:
    return BadRequest(
        f"Multiple {kind} found with alias '{name[:200]}'. Use {field}, or make aliases unique.",
        type="auth_error",
    )
