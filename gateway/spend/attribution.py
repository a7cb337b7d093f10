"""On whose account a request is booked beside its key: end user, agent, tags, session, notes for its row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import msgspec

from gateway.cache.memo import Memo
from gateway.domain import Principal, Scope, ScopeKind
from gateway.hooks import RequestContext
from gateway.spend.builder import NO_DETAILS, CallDetails
from gateway.spend.records import clean_text

__all__ = ["Attribution"]

_NAMING = ("x-litellm-customer-id", "x-litellm-end-user-id", "x-litellm-agent-id", "x-litellm-tags")
_OF_ONE_REQUEST = frozenset(
    {
        *("x-litellm-trace-id", "x-litellm-session-id", "x-session-id"),
        *("x-litellm-spend-logs-metadata", "x-litellm-num-retries"),
    }
)
_HEADERS = _OF_ONE_REQUEST.union(_NAMING)
_MEMBERS = frozenset(
    {
        *("user", "safety_identifier", "metadata", "litellm_metadata", "tags"),
        *("litellm_session_id", "litellm_trace_id", "num_retries"),
    }
)
_OWNED = frozenset({"tags", "spend_logs_metadata"})
"""What the metadata of a key or team says about the rows of its requests."""
_NAME_LIMIT = 256
_MOST_TAGS = 50
_MOST_RETRIES = 1_000
_LARGEST_NUMBER = 2**63
_AGENT_TAG = "User-Agent: "

_MOST_SEEN = 16_384
_MOST_SAID = 4_096
_LONGEST_SAID = 1_024

_Members = Mapping[str, object]
_Named = tuple[str | None, str | None, tuple[str, ...]]
"""End user, agent and tags of a request."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, object]).decode


class Attribution:
    """Reads on whose account requests are booked; one per worker."""

    def __init__(self) -> None:
        self._of_agent = Memo(_read_agent)
        self._shared = Memo(_share)
        self._seen: set[_Named] = set()
        self._said: dict[tuple[str | None, ...], CallDetails] = {}

    def read(self, context: RequestContext) -> CallDetails:
        """Read what headers, body, key and team say; a request that says nothing costs a few look-ups.

        Values of a wrong type are passed over, long ones cut: accounting never refuses a request. Raises
        MalformedBody for a member that is no JSON.
        """
        headers, principal = context.head.headers, context.principal
        if not _MEMBERS.isdisjoint(context.body.members) or (
            (principal.metadata or principal.team_metadata) and _is_marked(principal)
        ):
            return self._share(_read_everything(_Said(context)))
        if _HEADERS.isdisjoint(headers) and principal.end_user_id is None:
            agent = headers.get("user-agent")
            return self._of_agent(agent) if agent else NO_DETAILS
        return self._read_headers(context)

    def _read_headers(self, context: RequestContext) -> CallDetails:
        """Read what headers and key alone say; what they said before was read then."""
        headers, principal = context.head.headers, context.principal
        if not _OF_ONE_REQUEST.isdisjoint(headers):
            return self._share(_read_everything(_Said(context)))
        said = (
            principal.end_user_id,
            principal.agent_id,
            headers.get("user-agent"),
            *map(headers.get, _NAMING),
        )
        details = self._said.get(said)
        if details is None:
            details = self._share(_read_everything(_Said(context)))
            if details.is_shared and sum(map(len, filter(None, said))) <= _LONGEST_SAID:
                if len(self._said) >= _MOST_SAID:
                    self._said.clear()
                self._said[said] = details
        return details

    def _share(self, details: CallDetails) -> CallDetails:
        """Return one object for all requests that name the same, from the second of them on.

        What is kept per object costs more than it saves where each request names somebody else.
        """
        if details.session_id or details.max_retries is not None or details.spend_logs_metadata is not None:
            return details
        named = details.end_user, details.agent_id, details.tags
        if named in self._seen:
            return self._shared(named)
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen.add(named)
        return details


def _share(named: _Named) -> CallDetails:
    end_user, agent_id, tags = named
    return CallDetails(
        end_user=end_user,
        agent_id=agent_id,
        tags=tags,
        extra_scopes=_scopes_of(end_user, agent_id, tags),
        is_shared=True,
    )


def _scopes_of(end_user: str | None, agent_id: str | None, tags: tuple[str, ...]) -> tuple[Scope, ...]:
    scopes = tuple(Scope(ScopeKind.TAG, tag) for tag in tags)
    if agent_id is not None:
        scopes = (Scope(ScopeKind.AGENT, agent_id), *scopes)
    return scopes if end_user is None else (Scope(ScopeKind.END_USER, end_user), *scopes)


def _read_agent(agent: str) -> CallDetails:
    tags = tuple(dict.fromkeys(_names(_agent_tags(agent))))
    scopes = tuple(Scope(ScopeKind.TAG, tag) for tag in tags)
    return CallDetails(tags=tags, extra_scopes=scopes, is_shared=True)


def _is_marked(principal: Principal) -> bool:
    return not (_OWNED.isdisjoint(principal.metadata) and _OWNED.isdisjoint(principal.team_metadata))


def _read_everything(said: "_Said") -> CallDetails:
    end_user, tags, agent_id = said.end_user(), said.tags(), said.agent_id()
    return CallDetails(
        end_user=end_user,
        agent_id=agent_id,
        tags=tags,
        extra_scopes=_scopes_of(end_user, agent_id, tags),
        session_id=said.session_id(),
        max_retries=said.max_retries(),
        spend_logs_metadata=said.notes(),
    )


class _Said:
    """What one request says, member by member, in the contract's order of precedence."""

    def __init__(self, context: RequestContext) -> None:
        self._headers = context.head.headers
        self._body = context.body
        self._principal = context.principal
        self._metadata = _mapping(context.body.read("metadata"))
        self._own_metadata = _mapping(context.body.read("litellm_metadata"))

    def end_user(self) -> str | None:
        return _first_name(
            self._principal.end_user_id,
            self._headers.get("x-litellm-customer-id"),
            self._headers.get("x-litellm-end-user-id"),
            self._body.read("user"),
            self._own_metadata.get("user"),
            self._metadata.get("user_id"),
            self._body.read("safety_identifier"),
        )

    def agent_id(self) -> str | None:
        """The agent that the request names; a key that belongs to one speaks for no other."""
        if self._principal.agent_id is not None:
            return None
        return _first_name(self._headers.get("x-litellm-agent-id"))

    def session_id(self) -> str | None:
        return _first_name(
            self._headers.get("x-litellm-trace-id"),
            self._headers.get("x-litellm-session-id"),
            self._headers.get("x-session-id"),
            self._body.read("litellm_session_id"),
            self._body.read("litellm_trace_id"),
            self._metadata.get("session_id"),
            self._own_metadata.get("session_id"),
        )

    def tags(self) -> tuple[str, ...]:
        """The tags of the request, key and team, and of the client program where there is room.

        However many a request brings, those of key and team stay: budgets stand on them.
        """
        sent = _limited(self._sent_tags())
        owners = (self._principal.metadata, self._principal.team_metadata)
        owned = (name for owner in owners for name in _names(_sequence(owner.get("tags"))))
        agent = _agent_tags(self._headers.get("user-agent", ""))[: _MOST_TAGS - len(sent)]
        return tuple(dict.fromkeys((*sent, *owned, *_names(agent))))

    def _sent_tags(self) -> Iterator[object]:
        yield from self._headers.get("x-litellm-tags", "").split(",")
        yield from _sequence(self._body.read("tags"))
        for said in (self._metadata, self._own_metadata):
            yield from _sequence(said.get("tags"))

    def notes(self) -> msgspec.Raw | None:
        """The member `spend_logs_metadata` of team, key, body and header; the nearest to the request wins."""
        merged: dict[str, object] = {}
        for owner in (
            self._principal.team_metadata,
            self._principal.metadata,
            self._metadata,
            self._own_metadata,
        ):
            merged.update(_mapping(owner.get("spend_logs_metadata")))
        merged.update(_read_json(self._headers.get("x-litellm-spend-logs-metadata")))
        return _encode_notes(merged)

    def max_retries(self) -> int | None:
        value = self._headers.get("x-litellm-num-retries")
        if value is not None:
            return min(int(value), _MOST_RETRIES) if value.isdecimal() and len(value) <= _NAME_LIMIT else None
        asked = self._body.read("num_retries")
        is_count = isinstance(asked, int) and not isinstance(asked, bool) and asked >= 0
        return min(cast("int", asked), _MOST_RETRIES) if is_count else None  # checked by `is_count`


def _agent_tags(agent: str) -> tuple[str, ...]:
    """The tags of a client program: its name, and its name with the version."""
    if not agent:
        return ()
    return (_AGENT_TAG + agent.partition("/")[0], _AGENT_TAG + agent)


def _limited(tags: Iterable[object]) -> tuple[str, ...]:
    """Different names, and not too many."""
    found: dict[str, None] = {}
    for name in _names(tags):
        found[name] = None
        if len(found) == _MOST_TAGS:
            break
    return tuple(found)


def _names(tags: Iterable[object]) -> Iterator[str]:
    """The names among the tags, each cut to what the tables take."""
    for tag in tags:
        name = clean_text(tag, _NAME_LIMIT).strip() if isinstance(tag, str) else ""
        if name:
            yield name


def _first_name(*candidates: object) -> str | None:
    for value in candidates:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER:
            return str(value)
        if isinstance(value, str) and (name := clean_text(value, _NAME_LIMIT).strip()):
            return name
    return None


def _mapping(value: object) -> _Members:
    return cast("_Members", value) if isinstance(value, dict) else {}  # JSON objects have text keys


def _sequence(value: object) -> Sequence[object]:
    if isinstance(value, str):
        return value.split(",")
    return cast("Sequence[object]", value) if isinstance(value, list) else ()  # of unknown JSON values


def _encode_notes(notes: _Members) -> msgspec.Raw | None:
    if not notes:
        return None
    try:
        return msgspec.Raw(_encode(notes))
    except (OverflowError, RecursionError):
        # JSON knows numbers and depths that cannot be written again.
        return None


def _read_json(text: str | None) -> _Members:
    if not text:
        return {}
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
