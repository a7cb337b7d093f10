"""The guardrail `generic_guardrail_api`: anybody's service, by LiteLLM's contract.

`POST {api_base}/beta/litellm_basic_guardrail_api` gets texts and images, and says what becomes of them
(https://docs.litellm.ai/docs/adding_provider/generic_guardrail_api). It may change texts and images; a change
of tools, calls or messages that it asks for otherwise refuses the content.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Piece, PieceKind, Verdict
from gateway_guardrails.chat_form import called_tools, chat_messages, offered_tools
from gateway_guardrails.remote import Asking, RemoteError, Service, readable, texts_of

__all__ = ["GenericApi", "GenericApiParams"]

_PATH = "/beta/litellm_basic_guardrail_api"
_IMPOSSIBLE = (
    "The guardrail '{guardrail}' wants '{changed}' changed, which the gateway cannot do; what its service "
    "wants to change it has to change in 'texts'."
)
_Places = list[tuple[int, Piece]]


class GenericApiParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the service is, and what it is told besides the content."""

    api_base: str
    """The address of the service; the path of the contract is added."""
    api_key: str | None = None
    """Sent as `x-api-key`."""
    headers: dict[str, str] = {}
    """Further headers."""
    additional_provider_specific_params: dict[str, Any] = {}
    """The service's own parameters; they win over what a request says in `extra_body`."""

    __repr__ = object.__repr__


class _Action(StrEnum):
    NONE = "NONE"
    BLOCKED = "BLOCKED"
    INTERVENED = "GUARDRAIL_INTERVENED"


class _Answer(msgspec.Struct, frozen=True):
    action: _Action
    blocked_reason: str | None = None
    texts: list[str] | None = None
    images: list[str] | None = None
    tools: list[Any] | None = None
    tool_calls: list[Any] | None = None
    structured_messages: list[Any] | None = None

    def find_impossible(self, sent: Mapping[str, list[Any]]) -> str | None:
        """What it changes besides `texts` and `images`, if there is such a thing."""
        answered = {
            "tools": self.tools,
            "tool_calls": self.tool_calls,
            "structured_messages": self.structured_messages,
        }
        changed = (name for name, said in answered.items() if said is not None and said != sent[name])
        return next(changed, None)


class GenericApi(Guardrail):
    """Asks a service about every text and every image, and about tools and their calls."""

    Params: ClassVar[type[GenericApiParams]] = GenericApiParams
    can_be_submitted = True

    def __init__(self, params: GenericApiParams) -> None:
        """Raises ValueError for what is no address."""
        key = {"x-api-key": params.api_key} if params.api_key else {}
        self._service = Service(params.api_base, {**key, **params.headers})
        self._own = params.additional_provider_specific_params

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Do what the service says. Raises RemoteError where it says nothing."""
        texts = readable(content)
        media = (PieceKind.MEDIA,)
        images = [(place, piece) for place, piece in enumerate(content.pieces) if piece.kind in media]
        structured = {
            "tools": offered_tools(content),
            "tool_calls": called_tools(content),
            "structured_messages": chat_messages(content),
        }
        # Some services take no null for what there is none of.
        optional = {name: value for name, value in structured.items() if value}
        question = {"texts": texts_of(texts), "images": texts_of(images), **self._describe(call), **optional}
        question["input_type"] = content.direction.value
        answer = await self._service.ask(_PATH, question, _Answer, Asking(call.deadline_seconds))
        if answer.action is _Action.NONE:
            return None
        if answer.action is _Action.BLOCKED:
            reason = answer.blocked_reason or "it does not say why"
            return Verdict(refusal=f"The guardrail '{call.guardrail}' refuses the content: {reason}")
        if (changed := answer.find_impossible(structured)) is not None:
            return Verdict(refusal=_IMPOSSIBLE.format(guardrail=call.guardrail, changed=changed))
        if answer.texts is None and answer.images is None:
            raise RemoteError("its service intervenes and does not say how")
        edits = [*_edits(texts, answer.texts), *_edits(images, answer.images)]
        return Verdict(edits=tuple(edits), masked={"intervened": len(edits)} if edits else {})

    def _describe(self, call: GuardrailCall) -> dict[str, object]:
        return {
            "request_data": {
                "user_api_key_hash": call.key_hash,
                "user_api_key_alias": call.key_alias,
                "user_api_key_user_id": call.user_id,
                "user_api_key_user_email": call.user_email,
                "user_api_key_team_id": call.team_id,
                "user_api_key_team_alias": call.team_alias,
                "user_api_key_end_user_id": call.end_user_id,
                "user_api_key_org_id": call.organization_id,
            },
            "litellm_call_id": call.call_id,
            "litellm_trace_id": call.trace_id,
            "additional_provider_specific_params": {**call.options, **self._own},
            **({"model": call.model} if call.model else {}),
        }


def _edits(pieces: _Places, answered: list[str] | None) -> list[Edit]:
    """What the service made of the pieces, one for each. Raises RemoteError where it is not."""
    if answered is None:
        return []
    if len(answered) != len(pieces):
        raise RemoteError(f"its service answered {len(answered)} of {len(pieces)} texts")
    pairs = zip(pieces, answered, strict=True)
    return [Edit(place, 0, len(piece.text), text) for (place, piece), text in pairs if text != piece.text]
