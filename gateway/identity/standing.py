"""Whether a credential still holds: blocked and expired keys, blocked owners, users who were deactivated."""

from gateway.clock import Clock, datetime_from_nanos
from gateway.domain import Principal, ScopeKind
from gateway.errors import AuthenticationFailed, KeyExpired

__all__ = ["check_active", "check_expiry", "check_not_blocked", "check_owner", "check_standing"]

_OWNERS = {
    ScopeKind.TEAM: ("Team", "`/team/unblock`"),
    ScopeKind.PROJECT: ("Project", "`/project/update`, with `blocked` false,"),
}
"""What an owner is called, and by which route it is unblocked."""


def check_standing(principal: Principal, clock: Clock) -> None:
    """Refuse a blocked or expired key, and one whose user, team or project may do nothing; admins' too.

    The clock is read only for a key that expires. Raises AuthenticationFailed or KeyExpired.
    """
    # Every request passes here: what is called then only refuses.
    if principal.is_blocked:
        check_not_blocked(principal)
    expires = principal.expires_nanos
    if expires is not None and expires <= clock.now_nanos():
        check_expiry(principal, clock)
    if principal.is_deactivated:
        check_active(principal)
    if principal.blocked_owner is not None:
        check_owner(principal)


def check_not_blocked(principal: Principal) -> None:
    """Raise AuthenticationFailed for a blocked key."""
    if principal.is_blocked:
        raise AuthenticationFailed(
            "Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin."
        )


def check_expiry(principal: Principal, clock: Clock) -> None:
    """Raise KeyExpired for a key whose time is over."""
    expires = principal.expires_nanos
    if expires is not None and expires <= (now_nanos := clock.now_nanos()):
        raise KeyExpired(
            f"Authentication Error - Expired Key. Key Expiry time {datetime_from_nanos(expires)} "
            f"and current time {datetime_from_nanos(now_nanos)}",
            param=principal.key_name,
        )


def check_active(principal: Principal) -> None:
    """Raise AuthenticationFailed for a key whose user was deactivated."""
    if principal.is_deactivated:
        raise AuthenticationFailed(
            f"Authentication Error, User={principal.user_id} was deactivated by the directory that "
            "provisions users. It can be activated there, or by `scim_active` in the user's metadata."
        )


def check_owner(principal: Principal) -> None:
    """Raise AuthenticationFailed for a key whose team or project is blocked."""
    owner = principal.blocked_owner
    if owner is not None:
        name, route = _OWNERS[owner.kind]
        raise AuthenticationFailed(
            f"Authentication Error, {name}={owner.id} is blocked. Update via {route} if you're an admin."
        )
