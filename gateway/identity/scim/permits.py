"""Who provisions users and groups."""

import msgspec

from gateway.domain import Principal, Role
from gateway.errors import PermissionDenied
from gateway.identity.rights import check_is_no_viewer
from gateway.permits.permit import Permit, allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["acting", "check_provisions", "permit_for"]

_ROUTES = "/scim/"


def permit_for(action: Action) -> Permit:
    """The permit of doing something to users and groups as the directory does."""
    return allow(Resource.SCIM, action, Party.PROVISIONER)


def check_provisions(caller: Principal, permit: Permit) -> None:
    """Raise PermissionDenied unless the caller is a proxy admin, or its key is one for SCIM.

    Only proxy admins give keys the routes that they may call.
    """
    if not permit.admits(_party_of(caller)):
        raise PermissionDenied(
            "SCIM is for proxy admins, and for keys whose allowed_routes have /scim/*. "
            "Have a proxy admin make one for the directory."
        )
    if permit.action is not Action.READ:
        check_is_no_viewer(caller)


def acting(caller: Principal) -> Principal:
    """The directory with the rights to carry out what it wrote; it is the caller that is audited.

    It enters no team that it makes.
    """
    signed = caller.changed_by or caller.user_id
    return msgspec.structs.replace(caller, role=Role.PROXY_ADMIN, user_id=None, changed_by=signed)


def _party_of(caller: Principal) -> Party | None:
    if caller.is_admin:
        return Party.PROXY_ADMIN
    if any(entry.startswith(_ROUTES) for entry in caller.allowed_routes):
        return Party.PROVISIONER
    return Party.PROXY_ADMIN_VIEWER if caller.role is Role.PROXY_ADMIN_VIEWER else None
