"""What the whole gateway lets in, whoever calls: addresses and routes."""

from collections.abc import Callable, Iterator
from functools import partial

from gateway.access.findings import Finding, judge
from gateway.access.routes import LLM_ROUTES, MANAGEMENT_ROUTES, RouteLists, plain_path
from gateway.cache.memo import Memo
from gateway.errors import PermissionDenied
from gateway.hooks import RequestHead, hookimpl
from gateway.sdk.addresses import Address, client_address, read_networks
from gateway.settings import AccessSettings

__all__ = ["ADDRESS_RULE", "Gate", "build_gate"]

ADDRESS_RULE = "client_address"
"""The rule of `allowed_ips`, in what `examine` finds."""

_FORWARDED = "x-forwarded-for"


class Gate:
    """Refuses before anybody is authenticated: `allowed_ips`, `allowed_routes`, closed groups of routes."""

    def __init__(self, settings: AccessSettings) -> None:
        self._allowed = read_networks(settings.allowed_ips)
        self._proxies = read_networks(settings.trusted_proxy_ranges)
        self._is_forwarded = settings.use_x_forwarded_for
        self._routes = settings.allowed_routes
        self._lists = RouteLists()
        self._is_welcome = Memo(self._find_welcome)
        self._told = Memo(self._find_told)
        self._closed = (
            *(LLM_ROUTES if settings.disable_llm_api_endpoints else ()),
            *(MANAGEMENT_ROUTES if settings.disable_admin_endpoints else ()),
        )
        self._rules: tuple[tuple[str, Callable[[RequestHead], None] | None], ...] = (
            (ADDRESS_RULE, self._check_address if self._allowed else None),
            ("served_routes", self._check_route if self._routes else None),
            ("disabled_routes", self._check_open if self._closed else None),
        )

    @hookimpl(tryfirst=True)
    def authenticate(self, head: RequestHead) -> None:
        """Answer nothing, or raise PermissionDenied."""
        for _, check in self._rules:
            if check is not None:
                check(head)

    def examine(self, head: RequestHead) -> Iterator[Finding]:
        """Ask every rule of `authenticate`, in its order, whatever the others say."""
        for name, check in self._rules:
            yield judge(name, None if check is None else partial(check, head))

    def client_of(self, head: RequestHead) -> str | None:
        """Return the client's address as far as trusted proxies tell it, else that of the peer."""
        if not self._is_forwarded or _FORWARDED not in head.headers:
            return head.client_host
        return self._told((head.client_host, head.headers[_FORWARDED]))

    def _check_address(self, head: RequestHead) -> None:
        if not self._is_welcome((head.client_host, head.headers.get(_FORWARDED, ""))):
            address = self._address(head.client_host, head.headers.get(_FORWARDED, ""))
            raise PermissionDenied(
                f"Access forbidden: IP address {address or 'unknown'} not allowed.", param="allowed_ips"
            )

    def _check_route(self, head: RequestHead) -> None:
        if not self._lists.covers(self._routes, head.path):
            raise PermissionDenied(
                f"Route {head.path[:200]} not allowed. The gateway's administrator serves others only.",
                param="allowed_routes",
            )

    def _check_open(self, head: RequestHead) -> None:
        if self._lists.covers(self._closed, plain_path(head.path)):
            raise PermissionDenied(f"Route {head.path[:200]} is disabled on this gateway.", param="route")

    def _address(self, peer: str | None, forwarded: str) -> Address | None:
        if not self._is_forwarded:
            forwarded = ""
        return client_address(peer, forwarded, self._proxies)

    def _find_told(self, said: tuple[str | None, str]) -> str | None:
        address = self._address(*said)
        return said[0] if address is None else str(address)

    def _find_welcome(self, said: tuple[str | None, str]) -> bool:
        address = self._address(*said)
        return address is not None and address in self._allowed


def build_gate(settings: AccessSettings) -> tuple[Gate, ...]:
    """The gate as a plugin of the core, or nothing where it would let everything in."""
    is_open = not (
        settings.allowed_ips
        or settings.allowed_routes
        or settings.disable_llm_api_endpoints
        or settings.disable_admin_endpoints
    )
    return () if is_open else (Gate(settings),)
