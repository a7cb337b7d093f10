"""The guardrail `bedrock`: a guardrail of Amazon Bedrock judges texts, and masks them.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html
"""

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar, cast
from urllib.parse import quote

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import Session

from gateway.sdk import Content, Direction, Edit, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.remote import Asking, RemoteError, Service, readable, texts_of

__all__ = ["Bedrock", "BedrockParams"]

_SERVICE = "bedrock"
_MASKED = "ANONYMIZED"
_PASSED = frozenset({"NONE", _MASKED})
_encode = msgspec.json.Encoder().encode


class BedrockParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which guardrail judges. Without keys, AWS's usual places have them: environment, profile, role."""

    guardrailIdentifier: str  # noqa: N815  the contract's name
    """The id of the guardrail, or its ARN."""
    guardrailVersion: str = "DRAFT"  # noqa: N815  the contract's name
    """Its version."""
    aws_region_name: str = "us-east-1"
    """The region that it is in."""
    aws_access_key_id: str | None = None
    """A key of AWS, together with its secret."""
    aws_secret_access_key: str | None = None
    """The secret of the key."""
    aws_session_token: str | None = None
    """The token of temporary keys."""
    aws_profile_name: str | None = None
    """A profile of the machine's configuration."""
    aws_bedrock_runtime_endpoint: str | None = None
    """Another address than the region's own."""

    __repr__ = object.__repr__

    def __post_init__(self) -> None:
        if bool(self.aws_access_key_id) is not bool(self.aws_secret_access_key):
            raise ValueError("'aws_access_key_id' and 'aws_secret_access_key' belong together")


class _Output(msgspec.Struct, frozen=True):
    text: str


class _Answer(msgspec.Struct, frozen=True):
    action: str
    outputs: list[_Output] = []
    assessments: list[dict[str, Any]] = []


class Bedrock(Guardrail):
    """Refuses what the guardrail blocks, and masks what it anonymizes."""

    Params: ClassVar[type[BedrockParams]] = BedrockParams

    def __init__(self, params: BedrockParams) -> None:
        """Raises ValueError for what is no address."""
        usual = f"https://bedrock-runtime.{params.aws_region_name}.amazonaws.com"
        self._base = (params.aws_bedrock_runtime_endpoint or usual).rstrip("/")
        self._service = Service(self._base)
        identifier, version = (
            quote(params.guardrailIdentifier, safe=""),
            quote(params.guardrailVersion, safe=""),
        )
        self._path = f"/guardrail/{identifier}/version/{version}/apply"
        self._params = params
        self._session: Session | None = None

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Ask about all texts; where some are masked, about each of them. Raises RemoteError."""
        pieces = [(place, piece) for place, piece in readable(content) if piece.text.strip()]
        if not pieces:
            return None
        answer = await self._ask(content.direction, texts_of(pieces), call)
        if answer.action == "NONE":
            return None
        found = _findings(answer)
        if any(action not in _PASSED for _, action in found) or not found:
            said = answer.outputs[0].text if answer.outputs else "it does not say why"
            refusal = f"The guardrail '{call.guardrail}' refuses the content: {said}"
            return Verdict(refusal=refusal, categories=tuple(dict.fromkeys(name for name, _ in found)))
        edits: list[Edit] = []
        for place, piece in pieces:
            masked = await self._ask(content.direction, [piece.text], call)
            if masked.action != "NONE":
                if len(masked.outputs) != 1:
                    raise RemoteError(f"its service answered {len(masked.outputs)} texts for one")
                edits.append(Edit(place, 0, len(piece.text), masked.outputs[0].text))
        names = [name for name, action in found if action == _MASKED]
        return Verdict(
            edits=tuple(edits),
            categories=tuple(dict.fromkeys(names)),
            masked={name: names.count(name) for name in names},
        )

    async def _ask(self, direction: Direction, texts: list[str], call: GuardrailCall) -> _Answer:
        source = "INPUT" if direction is Direction.REQUEST else "OUTPUT"
        body = _encode({"source": source, "content": [{"text": {"text": text}} for text in texts]})
        # Looking for keys may read files and ask the machine's own service.
        signed = await asyncio.to_thread(self._sign, body)
        return await self._service.send(self._path, body, _Answer, Asking(call.deadline_seconds, signed))

    def _sign(self, body: bytes) -> dict[str, str]:
        request = AWSRequest("POST", self._base + self._path, {"content-type": "application/json"}, body)
        signer: Any = SigV4Auth(self._credentials(), _SERVICE, self._params.aws_region_name)
        signer.add_auth(request)
        return {name.lower(): str(value) for name, value in request.headers.items()}

    def _credentials(self) -> Credentials:
        params = self._params
        if params.aws_access_key_id and params.aws_secret_access_key:
            return Credentials(
                params.aws_access_key_id, params.aws_secret_access_key, params.aws_session_token
            )
        self._session = self._session or Session(profile=params.aws_profile_name)
        found: Any = cast("Any", self._session).get_credentials()  # the library leaves it untyped
        if found is None:
            raise RemoteError("no credentials of AWS were found")
        return cast("Credentials", found)


def _findings(answer: _Answer) -> list[tuple[str, str]]:
    """What was found, each with what becomes of it, wherever it stands in the assessments."""
    return [finding for assessment in answer.assessments for finding in _walk(assessment)]


def _walk(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in cast("list[object]", value):  # of JSON values
            yield from _walk(item)
    elif isinstance(value, dict):
        members = cast("dict[str, object]", value)  # JSON objects have text keys
        action = members.get("action")
        if isinstance(action, str) and action != "NONE":
            yield str(members.get("type") or members.get("name") or "word"), action
        for item in members.values():
            yield from _walk(item)
