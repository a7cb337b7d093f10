"""What a server is asked with, on behalf of a caller."""

import re
from urllib.parse import quote

import msgspec

from gateway.domain import MCP_VARIABLES
from gateway.errors import AuthenticationFailed
from gateway.hooks import HeaderPairs, McpSource, RequestContext, RequestHead
from gateway_mcp.bases import Bases
from gateway_mcp.brought import (
    CREDENTIALS,
    PREFIX,
    digest_of,
    find_addressed,
    find_prefixed,
    label_of,
    without_scheme,
)
from gateway_mcp.directory import Directory
from gateway_mcp.oauth.exchanges import Exchanges, find_subject
from gateway_mcp.oauth.user_tokens import UserTokens
from gateway_mcp.older.paths import mount_of
from gateway_mcp.passing_on import CHALLENGE, DOCUMENT, ask_for_credential, build_challenge
from gateway_mcp.places import find_place, find_wished, is_plain, narrow_place
from gateway_mcp.tokens import Tokens
from gateway_mcp.upstreams import Upstream

__all__ = ["CredentialMissingError", "Credentials", "LoginNeededError", "TokenMissingError"]

_UNAUTHORIZED = 401
_SCOPE = re.compile(r"[!#-\[\]-~]{1,200}")
"""What may be a scope (RFC 6749, 3.3)."""
_METADATA = "/.well-known/oauth-authorization-server"
_AUTHORIZATION = "authorization"


class CredentialMissingError(AuthenticationFailed):
    """A server asks each user for a credential, and the caller's user has stored none."""

    type = "mcp_credential_missing"


class TokenMissingError(AuthenticationFailed):
    """A server is asked with what clients bring for it, and the caller has brought nothing."""

    type = "mcp_token_missing"


class LoginNeededError(AuthenticationFailed):
    """A server is asked in the name of each user, and the caller's user has not logged in there."""

    type = "mcp_login_needed"


class Credentials:
    """The headers by which a server knows the gateway or the caller."""

    def __init__(
        self,
        source: McpSource,
        directory: Directory,
        bases: Bases,
        tokens: Tokens,
        user_tokens: UserTokens,
        exchanges: Exchanges,
    ) -> None:
        self._source = source
        self._bases = bases
        self._tokens = tokens
        self._user_tokens = user_tokens
        self._exchanges = exchanges
        self._directory = directory

    def names_brought(self, head: RequestHead) -> frozenset[str]:
        """The headers of a client that may be meant for servers."""
        addressed, own = find_prefixed(head.headers, PREFIX), self._directory.access.credential_header
        if own in head.headers:
            addressed.append(own)
        return self._directory.current.extra_headers.union(addressed)

    async def list_headers(self, upstream: Upstream, context: RequestContext) -> HeaderPairs:
        """The headers for a server, names in lower case; they win over those of the client.

        What the operator has set wins over what a client brings, but for a credential that it brings for
        this server: that stands in the place of the gateway's. Raises CredentialMissingError,
        LoginNeededError, TokenMissingError, TokenRefusedError, DatabaseUnavailable where it cannot be looked
        up, and UpstreamError where no token is granted.
        """
        headers = await self._list(upstream, context)
        if not upstream.settings.user_variables:
            return headers
        values = await self._find_values(upstream, context)
        return tuple(upstream.settings.fill(dict(headers), values).items())

    async def _list(self, upstream: Upstream, context: RequestContext) -> HeaderPairs:
        settings = upstream.settings
        brought = self._brought(upstream, context)
        if settings.auth_type == "oauth_delegate" and _AUTHORIZATION not in brought:
            raise self._ask_for_token(upstream, context.head)
        if settings.logs_users_in:
            return tuple({**brought, **settings.headers(await self._find_token(upstream, context))}.items())
        if settings.exchanges_tokens:
            return tuple({**brought, **settings.headers(await self._exchange(upstream, context))}.items())
        if settings.is_byok:
            return tuple({**brought, **settings.headers(await self._find_own(upstream, context))}.items())
        if not brought:
            return await self.list_own_headers(upstream)
        if settings.credential_headers.isdisjoint(self._addressed(upstream, context)):
            return tuple({**brought, **dict(await self.list_own_headers(upstream))}.items())
        return tuple({**brought, **settings.lower_static_headers()}.items())

    async def list_own_headers(self, upstream: Upstream) -> HeaderPairs:
        """The headers by which a server knows the gateway. Raises UpstreamError where no token is granted."""
        settings = upstream.settings
        if not settings.fetches_token:
            return tuple(settings.own_headers.items())
        return tuple(settings.headers(await self._tokens.find(upstream)).items())

    def has_brought(self, upstream: Upstream, context: RequestContext) -> bool:
        """Whether it is the client's own credential with which a server is asked."""
        credentials = CREDENTIALS | upstream.settings.credential_headers
        return not credentials.isdisjoint(self._brought(upstream, context))

    def audience(self, upstream: Upstream, context: RequestContext) -> str:
        """For whom what a server lists is meant: callers with one text may see what another one was told."""
        told = digest_of(self._brought(upstream, context).items())
        settings = upstream.settings
        is_users = settings.is_byok or settings.logs_users_in or bool(settings.user_variables)
        whose = (context.principal.user_id or "") if is_users else ""
        if settings.exchanges_tokens:
            whose = digest_of((("authorization", find_subject(context.head)),))
        return f"{upstream.id}\n{whose}\n{told}"

    async def _find_token(self, upstream: Upstream, context: RequestContext) -> str:
        user_id = context.principal.user_id
        token = await self._user_tokens.find(upstream, user_id) if user_id else ""
        if not token:
            raise self.ask_to_log_in(upstream, context.head)
        return token

    async def _exchange(self, upstream: Upstream, context: RequestContext) -> str:
        subject = find_subject(context.head)
        if subject:
            return await self._exchanges.find(upstream, subject)
        raise CredentialMissingError(
            f"The MCP server '{upstream.name}' is asked with a token that the gateway gets for yours. Send a "
            "JWT of your identity provider as 'Authorization: Bearer ...'; a key of the gateway goes into "
            "'x-litellm-api-key' then.",
            param="mcp_server",
        )

    def _lead_to_gateway(self, upstream: Upstream, head: RequestHead) -> dict[str, str]:
        """Where a client learns who grants tokens, if the gateway does that together with the login."""
        place = find_place(head.path, self._directory.current) if upstream.settings.dcr_bridge else None
        base = self._bases.of_logins(head)
        is_own = place is not None and place.is_single and place.upstreams[0] is upstream
        return (
            {"resource_metadata": f"{base}{DOCUMENT}{quote(head.path, safe='/')}"} if is_own and base else {}
        )

    def ask_to_log_in(
        self, upstream: Upstream, head: RequestHead, status: int = _UNAUTHORIZED, scope: str = ""
    ) -> LoginNeededError:
        """The refusal of a caller whose user has to log in at a server, for a `scope` that it demands."""
        base, wanted = self._bases.of(head), " ".join(filter(_SCOPE.fullmatch, scope.split()))
        place = f"{base}/authorize/{upstream.name}" + (f"?scope={quote(wanted)}" if wanted else "")
        told = {
            **({"error": "insufficient_scope"} if status != _UNAUTHORIZED else {}),
            **({"scope": wanted} if wanted else {}),
            "authorization_uri": f"{base}{_METADATA}/{upstream.name}",
            **(self._lead_to_gateway(upstream, head) if status == _UNAUTHORIZED else {}),
        }
        challenge = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in told.items())
        return LoginNeededError(
            f"The MCP server '{upstream.name}' is asked in the name of each user. Log in there: open "
            f"{place} in a browser, and use a key that belongs to you.",
            param="mcp_server",
            status=status,
            headers={"www-authenticate": challenge} if base else {},
        )

    def _ask_for_token(self, upstream: Upstream, head: RequestHead) -> TokenMissingError:
        """The refusal of a caller who has a key of the gateway and no token for the server."""
        path, is_own = self._own_path(upstream, head)
        challenge = build_challenge(self._bases.of(head), path if is_own else f"/mcp/{upstream.name}")
        return TokenMissingError(
            f"The MCP server '{upstream.name}' is asked with a token of its own issuer: log in there, and "
            "send it as 'Authorization: Bearer ...', and your key in 'x-litellm-api-key'; among "
            f"several servers, as 'x-mcp-{label_of(upstream.name)}-authorization'.",
            param="mcp_server",
            headers={CHALLENGE: challenge} if challenge else {},
        )

    def _own_path(self, upstream: Upstream, head: RequestHead) -> tuple[str, bool]:
        """The path of a request by streamable HTTP, and whether it is this server's own."""
        current = self._directory.current
        path = mount_of(head.path, current)
        place = find_place(path, current)
        return path, place is not None and place.is_single and place.upstreams[0] is upstream

    async def _find_own(self, upstream: Upstream, context: RequestContext) -> str:
        user_id = context.principal.user_id
        given = await self._source.find_credential(user_id, upstream.id) if user_id else None
        if given:
            return given
        path, is_own = self._own_path(upstream, context.head)
        challenge = ask_for_credential(self._bases.of_logins(context.head), path) if is_own else ""
        raise CredentialMissingError(
            f"The MCP server '{upstream.name}' is asked with a credential of your own; there is none. "
            f"Store it: POST /v1/mcp/server/{upstream.id}/user-credential.",
            param="mcp_server",
            headers={CHALLENGE: challenge} if challenge else {},
        )

    async def _find_values(self, upstream: Upstream, context: RequestContext) -> dict[str, str]:
        user_id, key = context.principal.user_id, upstream.id + MCP_VARIABLES
        stored = await self._source.find_credential(user_id, key) if user_id else None
        try:
            given = msgspec.json.decode(stored or "{}", type=dict[str, str])
        except msgspec.DecodeError:
            given = {}
        missing = [one.name for one in upstream.settings.user_variables if one.name not in given]
        if missing:
            raise CredentialMissingError(
                f"The MCP server '{upstream.name}' wants values of yours: {', '.join(missing)}. "
                f"Store them: POST /v1/mcp/server/{upstream.id}/user-env-vars.",
                param="mcp_server",
            )
        return given

    def _brought(self, upstream: Upstream, context: RequestContext) -> dict[str, str]:
        """What of the client's headers is for a server, under the names that it knows."""
        if not context.brought or upstream.settings.command:
            return {}
        named = upstream.settings.client_headers - _taken(upstream)
        passed = {name: value for name, value in context.brought if name in named}
        is_shared = upstream.settings.forwards_tokens and not self._is_alone(upstream, context)
        if is_shared and _AUTHORIZATION in passed:
            del passed[_AUTHORIZATION]
        return {**passed, **self._addressed(upstream, context)}

    def _is_alone(self, upstream: Upstream, context: RequestContext) -> bool:
        """Whether `Authorization` can be meant for no other server: what one may have, others may not see."""
        call, head, current = context.tool_call, context.head, self._directory.current
        if call is not None and call.server == upstream.name:
            return True
        if is_plain(head.path) and (wished := find_wished(head.query)):
            return current.by_name(wished) is upstream
        place = find_place(mount_of(head.path, current), current)
        among = () if place is None else narrow_place(place, head.headers, current).upstreams
        return [one for one in among if _AUTHORIZATION in one.settings.client_headers] == [upstream]

    def _addressed(self, upstream: Upstream, context: RequestContext) -> dict[str, str]:
        """What the client has addressed to this server: by its names, its groups, or the path."""
        header = self._directory.access.credential_header
        brought = {name: one for name, one in context.brought if name.startswith(PREFIX) or name == header}
        if not brought:
            return {}
        current, settings = self._directory.current, upstream.settings
        named = settings.credential_headers.union(map(str.lower, settings.extra_headers))
        allowed = named - _taken(upstream)
        place = find_place(context.head.path, current)
        value = without_scheme(brought.pop(header, ""), settings.auth_type)
        is_alone = place is not None and place.is_single and place.upstreams[0] is upstream
        found = settings.present(value) if is_alone and not _taken(upstream) else {}
        found |= find_addressed(brought, {label_of(one) for one in settings.access_groups}, allowed)
        others = {label_of(name) for one in current.all() if one is not upstream for name in one.names}
        # A name that two servers have in the fold is nobody's.
        own = {label_of(name) for name in upstream.names} - others
        return found | find_addressed(brought, own, allowed)


def _taken(upstream: Upstream) -> frozenset[str]:
    """The headers that no client sets: a server that is asked with tokens is asked with nothing else."""
    settings = upstream.settings
    return CREDENTIALS | settings.credential_headers if settings.takes_no_others else frozenset()
