"""Field by field: what who does not administer the gateway may say of a team's model."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.domain import Deployment
from gateway.errors import BadRequest
from gateway.identity.rights import refuse_field
from gateway.permits.permit import Permit
from gateway.permits.terms import Party
from gateway.upstream.address_guard import AddressGuard

__all__ = ["check_address", "check_tenants_fields"]

_REASON = "Only proxy admins can set it."


def check_tenants_fields(
    permit: Permit, params: Iterable[str], info: Iterable[str], others: Iterable[str] = ()
) -> None:
    """Raise PermissionDenied naming the first member that a team's administrator may not set or take away.

    `params` and `info` name what is said in `litellm_params` and `model_info`, `others` what is beside them.
    """
    names = [*(f"litellm_params.{name}" for name in params), *(f"model_info.{name}" for name in info)]
    refused = permit.first_refused(Party.TEAM_ADMIN, [*names, *others])
    if refused is not None:
        raise refuse_field(refused, "team's model", _REASON)


def check_address(deployment: Deployment, guard: AddressGuard) -> None:
    """Raise BadRequest for a tenant's address that is plainly not public.

    A name is not looked up here: the client looks at every connection where it leads.
    """
    try:
        host = urlsplit(deployment.api_base).hostname or ""
    except ValueError:
        host = ""
    is_local = host in {"", "localhost"} or host.endswith((".localhost", ".local", ".internal"))
    if is_local or (_is_literal(host) and not guard.is_allowed(host)):
        message = "A team's model has a public address; this one leads into a network that is not for teams."
        raise BadRequest(message, param="litellm_params.api_base", type="bad_request_error")


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
