"""What a guardrail is: it reads the content of a call, and lets it go, edits it or refuses it."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterator, Mapping
from enum import StrEnum

import msgspec

from gateway.sdk.questions import Ask, refuse_question

__all__ = [
    "PASSED",
    "Content",
    "Direction",
    "Edit",
    "Guardrail",
    "GuardrailCall",
    "Piece",
    "PieceKind",
    "ToolUse",
    "Verdict",
]


class Direction(StrEnum):
    """Which way content goes; the names are those of LiteLLM's `input_type`."""

    REQUEST = "request"
    """To the model."""
    RESPONSE = "response"
    """To the client."""


class PieceKind(StrEnum):
    """What a string of a body is."""

    TEXT = "text"
    """What people and models say: contents of messages, prompts, inputs of embeddings, answers."""
    REASONING = "reasoning"
    """What a model thought before it answered."""
    TOOL_CALL = "tool_call"
    """Arguments of a call, as JSON."""
    TOOL_RESULT = "tool_result"
    """What a tool has answered."""
    DEFINITION = "definition"
    """Descriptions of tools, and schemas of answers."""
    MEDIA = "media"
    """The address or the data of an image, a sound or a file."""
    NAME = "name"
    """Names, ids and other strings that nobody reads as a text."""


_READ = frozenset(
    {PieceKind.TEXT, PieceKind.REASONING, PieceKind.TOOL_CALL, PieceKind.TOOL_RESULT, PieceKind.DEFINITION}
)


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One string of a body.

    `path` says where it stands, like `messages[0].content[1].text`; `role` is that of its message. A piece
    that `is_fixed` is the name of a member: it cannot be edited.
    """

    text: str
    path: str = ""
    kind: PieceKind = PieceKind.TEXT
    role: str = ""
    is_fixed: bool = False


class ToolUse(msgspec.Struct, frozen=True, gc=False):
    """One tool that is offered to a model, or one call of a tool.

    `arguments` are those of the call, as JSON; None says that the tool is only offered. `type` is what the
    body says it is (`function`, ...), and `mcp` for a call of a tool of an MCP server. A tool without a name
    has "". `server` is the MCP server that is called; `name` is then the one that the tool has there, however
    the call spells it. `call_id` is the id of the call in an answer, "" where it has none.
    """

    name: str
    path: str
    type: str = "function"
    arguments: str | None = None
    server: str = ""
    call_id: str = ""


class Content(msgspec.Struct, frozen=True):
    """The strings of a request or an answer, whatever its endpoint: every one that the other side sees.

    Of a stream a guardrail is shown what has come since the last time, and before it as much as its `window`.
    `tools` are those that a request offers, or that an answer or a message of MCP calls; of a stream they
    are there for guardrails without a `window` only, when all of it has come.
    `members` are those of a request, decoded, that its pieces stand in; others read them too, so change
    nothing in them. Answers have none.
    """

    direction: Direction
    pieces: tuple[Piece, ...]
    tools: tuple[ToolUse, ...] = ()
    members: Mapping[str, object] = {}

    def texts(self) -> Iterator[tuple[int, Piece]]:
        """The pieces that a model or a person reads, each with its place among all pieces."""
        return ((place, piece) for place, piece in enumerate(self.pieces) if piece.kind in _READ)


class Edit(msgspec.Struct, frozen=True, gc=False):
    """Replace the characters from `start` up to `end` of one piece by `text`."""

    piece: int
    start: int
    end: int
    text: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a guardrail says.

    `refusal` is the sentence that the API user reads; None lets the content go. `edits` of one piece do not
    overlap. `categories` name what was found, `score` is from 0 to 1, `masked` counts what was replaced, by
    category: none of them ever holds what was found itself, for they are recorded.

    `undecided` says of pieces of a stream from which character on more must be seen, where a finding that has
    begun may be longer than the `window` of the guardrail: so much waits too.

    `without` are places among `Content.tools`: these are taken out, and in an answer `notice` says so in
    their stead. Where that cannot be done, as in a stream or for a call by MCP, `notice` is the refusal.
    """

    refusal: str | None = None
    edits: tuple[Edit, ...] = ()
    categories: tuple[str, ...] = ()
    score: float | None = None
    masked: Mapping[str, int] = {}
    undecided: Mapping[int, int] = {}
    without: tuple[int, ...] = ()
    notice: str = ""


PASSED = Verdict()
"""Nothing was found."""


class GuardrailCall(msgspec.Struct, frozen=True, kw_only=True):
    """Whose content is inspected. `options` are what the request says to this guardrail (`extra_body`).

    `key_hash` is the SHA-256 of the virtual key in hex, `trace_id` what the client calls its conversation.
    After `deadline_seconds` nobody waits for an answer any more.

    `ask` puts a question to a model of the gateway, whatever models the caller may use. The caller's budgets
    are charged for it; the question is inspected by no guardrail.

    `notes` are the guardrail's own: what it writes there about the request it finds again with the answer.
    """

    guardrail: str
    call_id: str = ""
    model: str = ""
    key_hash: str | None = None
    key_alias: str | None = None
    team_id: str | None = None
    team_alias: str | None = None
    user_id: str | None = None
    user_email: str | None = None
    organization_id: str | None = None
    end_user_id: str | None = None
    trace_id: str | None = None
    deadline_seconds: float = 10.0
    is_stream: bool = False
    options: Mapping[str, object] = {}
    ask: Ask = refuse_question
    notes: dict[str, object] = msgspec.field(default_factory=dict[str, object])


class Guardrail(ABC):
    """One guardrail as the configuration sets it up; the same object serves all requests.

    A class with a member `Params` (a msgspec.Struct) is built with its parameters decoded into one, any other
    without arguments. Register the class as an entry point of the group `gateway.guardrails`; the name of the
    entry point is what the configuration calls it.

    `inspect` may be a plain function: then the gateway runs it in a thread where the content is large.
    Whatever it raises counts as a failure, which refuses the request unless the operator says otherwise.
    """

    window: int | None = None
    """The most characters that one finding spans; None asks for the whole answer before it goes out.

    The few findings that are longer are told as `Verdict.undecided` once they have begun.
    """
    can_be_submitted: bool = False
    """Whether teams may submit guardrails of this kind for review.

    Then its parameters alone say what it does, and nothing of the operator's, like a key in the environment,
    stands in for one that is left out.
    """

    @abstractmethod
    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | Awaitable[Verdict | None] | None:
        """Say what becomes of the content; None lets it go. May be async."""
