"""What a client asks for in a browser, and what the person there says to it (RFC 6749, 4.1; RFC 7636)."""

import hmac
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

import msgspec

from gateway.db.vouchers import Vouchers
from gateway.domain import Principal
from gateway.errors import PermissionDenied
from gateway.identity.grants.clients import Client, fits
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.identity.login.terminal_store import TerminalStore

__all__ = [
    "CODE_PURPOSE",
    "ISSUER",
    "Asked",
    "Authorizing",
    "Code",
    "Decision",
    "Offer",
    "read_asked",
    "read_resource",
]

CODE_PURPOSE = "mcp-code"
_CONSENT_PURPOSE, _LATER_PURPOSE = "mcp-consent", "mcp-bridge"
_CONSENT_SECONDS, _CODE_SECONDS = 600.0, 60.0
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PLACE = re.compile(r"/mcp(/[\w.,-]+){0,2}|(/[\w.,-]+){1,2}/mcp", re.ASCII)
_LONGEST = 1_024
ISSUER = "/mcp"
"""The path of the authorization server."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for: `resource` is the path of what it wants to reach, empty for all of MCP.

    `issuer` is the path of the authorization server that it asks, where that is one server's.
    """

    client: Client
    redirect_uri: str
    challenge: str
    state: str
    resource: str
    issuer: str = ""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has granted, and to whom."""

    client_id: str
    client_name: str
    redirect_uri: str
    challenge: str
    resource: str
    user_id: str
    team_id: str | None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is asked: `consent` stands for it in the answer, which names one of the teams.

    `publisher` is who vouches for the client's name, empty where that is nobody.
    """

    consent: str
    client_name: str
    publisher: str
    place: str
    resource: str
    teams: Sequence[Mapping[str, str | None]]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the person before a browser has said to what was asked; `issuer` as in `Asked`."""

    session: str
    state: str
    code: Code
    issuer: str
    is_granted: bool


class _Consent(msgspec.Struct, frozen=True, kw_only=True):
    """An offer under way; `session` is the hash of the key of the browser that it was made to."""

    session: str
    state: str
    code: Code
    issuer: str = ""


class Authorizing:
    """Asks people, and gives clients codes for what they grant. Raises DatabaseUnavailable."""

    def __init__(self, vouchers: Vouchers, people: TerminalStore) -> None:
        self._vouchers = vouchers
        self._people = people

    async def offer(self, asked: Asked, visitor: Principal) -> Offer:
        """Put what is asked for before somebody who has logged in."""
        client, user_id = asked.client, visitor.user_id or ""
        code = Code(
            client_id=client.client_id,
            client_name=client.name,
            redirect_uri=asked.redirect_uri,
            challenge=asked.challenge,
            resource=asked.resource,
            user_id=user_id,
            team_id=None,
        )
        consent = _Consent(session=visitor.token_hash, state=asked.state, code=code, issuer=asked.issuer)
        text = msgspec.json.encode(consent).decode()
        parts = urlsplit(asked.redirect_uri)
        return Offer(
            consent=await self._vouchers.issue(_CONSENT_PURPOSE, text, _CONSENT_SECONDS),
            client_name=client.name,
            publisher=client.publisher,
            place=parts.netloc if parts.scheme in {"http", "https"} else f"{parts.scheme}:",
            resource=asked.resource,
            teams=await self._people.list_teams(user_id),
        )

    async def decide(
        self, consent: str, visitor: Principal, team_id: str | None, *, is_granted: bool
    ) -> Decision:
        """Take what the person says to an offer, once.

        Raises OAuthRefusal for an offer that was not made to this session, PermissionDenied for a team that
        is not the user's.
        """
        text = await self._vouchers.redeem(_CONSENT_PURPOSE, consent)
        under_way = None if text is None else msgspec.json.decode(text, type=_Consent)
        if under_way is None or not hmac.compare_digest(under_way.session, visitor.token_hash):
            raise OAuthRefusal("invalid_request", "This is over, too old, or another's. Begin it again.")
        code = under_way.code
        if is_granted and team_id is not None:
            teams = await self._people.list_teams(code.user_id)
            if team_id not in [team["team_id"] for team in teams]:
                raise PermissionDenied("You are not in this team.", param="team_id")
            code = msgspec.structs.replace(code, team_id=team_id)
        return Decision(
            session=under_way.session,
            state=under_way.state,
            code=code,
            issuer=under_way.issuer,
            is_granted=is_granted,
        )

    async def answer(self, decision: Decision, base: str, usual: str) -> str:
        """Where the browser is sent with it: to the client, as from the issuer that this has asked.

        The issuer's address is `base` with its path, which is the `usual` one where it is no server's own.
        """
        told = {"state": decision.state} if decision.state else {}
        if decision.is_granted:
            text = msgspec.json.encode(decision.code).decode()
            told["code"] = await self._vouchers.issue(CODE_PURPOSE, text, _CODE_SECONDS)
        else:
            told["error"] = "access_denied"
        return _lead_back(decision.code.redirect_uri, told, base + (decision.issuer or usual))

    async def put_off(self, decision: Decision) -> str:
        """A ticket for a decision that is answered later, by the same browser."""
        text = msgspec.json.encode(decision).decode()
        return await self._vouchers.issue(_LATER_PURPOSE, text, _CONSENT_SECONDS)

    async def take_up(self, ticket: str, visitor: Principal, *, is_last: bool) -> Decision:
        """The decision of a ticket, which is used up if this `is_last`. Raises OAuthRefusal."""
        find = self._vouchers.redeem if is_last else self._vouchers.find
        text = await find(_LATER_PURPOSE, ticket)
        found = None if text is None else msgspec.json.decode(text, type=Decision)
        if found is None or not hmac.compare_digest(found.session, visitor.token_hash):
            raise OAuthRefusal("invalid_request", "This is over, too old, or another's. Begin it again.")
        return found


def read_asked(query: Mapping[str, str], client: Client, base: str) -> Asked:
    """What a client asks for. Raises OAuthRefusal: that is told the person, who is not sent elsewhere."""
    uri = query.get("redirect_uri", "")
    if not uri and len(client.redirect_uris) == 1:
        uri = client.redirect_uris[0]
    if not fits(uri, client.redirect_uris):
        raise OAuthRefusal("invalid_request", "The application has not registered its 'redirect_uri'.")
    if query.get("response_type") != "code":
        raise OAuthRefusal("unsupported_response_type", "'response_type' is 'code'.")
    challenge = query.get("code_challenge", "")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise OAuthRefusal("invalid_request", "PKCE with 'code_challenge_method' S256 is required.")
    state = query.get("state", "")
    if len(state) > _LONGEST:
        raise OAuthRefusal("invalid_request", f"'state' has at most {_LONGEST} characters.")
    resource = read_resource(query.get("resource", ""), base)
    return Asked(client=client, redirect_uri=uri, challenge=challenge, state=state, resource=resource)


def read_resource(resource: str, base: str) -> str:
    """The path of a resource (RFC 8707), empty for all of MCP. Raises OAuthRefusal for one of others."""
    path = resource.removeprefix(base).rstrip("/")
    if resource and (not resource.startswith(base) or (path and not _PLACE.fullmatch(path))):
        raise OAuthRefusal("invalid_target", f"'resource' is an address of MCP below {base}.")
    return path


def _lead_back(uri: str, told: Mapping[str, str], issuer: str) -> str:
    joint = "&" if urlsplit(uri).query else "?"
    # Who answers is said as well (RFC 9207).
    return uri + joint + urlencode({**told, "iss": issuer})
