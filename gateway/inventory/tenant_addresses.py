"""Whether an address that a tenant hands in may be one of a tenant's."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.upstream.address_guard import AddressGuard

__all__ = ["leads_inside"]

_LOCAL = (".localhost", ".local", ".internal")


def leads_inside(address: str, guard: AddressGuard) -> bool:
    """Whether it visibly leads into a network that is not for tenants, or nowhere."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    is_local = host in {"", "localhost"} or host.endswith(_LOCAL)
    return is_local or (_is_literal(host) and not guard.is_allowed(host))


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
