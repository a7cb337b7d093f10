"""Whether a credential still holds: blocked and expired keys, blocked owners, users who were deactivated."""

from gateway.clock import Clock, datetime_from_nanos
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import AuthenticationFailed, KeyExpired

__all__ = ["check_standing"]

_OWNER_NAMES = {ScopeKind.TEAM: "Team", ScopeKind.PROJECT: "Project"}


def check_standing(principal: Principal, clock: Clock) -> None:
    """Refuse a blocked or expired key, and one whose user, team or project may do nothing; admins' too.

    The clock is read only for a key that expires. Raises AuthenticationFailed or KeyExpired.
    """
    if principal.is_blocked:
        raise AuthenticationFailed(
            "Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin."
        )
    expires = principal.expires_nanos
    if expires is not None and expires <= (now_nanos := clock.now_nanos()):
        raise KeyExpired(
            f"Authentication Error - Expired Key. Key Expiry time {datetime_from_nanos(expires)} "
            f"and current time {datetime_from_nanos(now_nanos)}",
            param=principal.key_name,
        )
    if principal.is_deactivated:
        raise AuthenticationFailed(
            f"Authentication Error, User={principal.user_id} was deactivated by the directory that "
            "provisions users. It can be activated there, or by `scim_active` in the user's metadata."
        )
    if principal.blocked_owner is not None:
        raise _blocked(principal.blocked_owner)


def _blocked(owner: Scope) -> AuthenticationFailed:
    name = _OWNER_NAMES.get(owner.kind, owner.kind.value)
    return AuthenticationFailed(
        f"Authentication Error, {name}={owner.id} is blocked. "
        f"Update via `/{owner.kind.value}/unblock` if you're an admin."
    )
