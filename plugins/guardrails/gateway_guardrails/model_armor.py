"""The guardrail `model_armor`: a template of Google's Model Armor judges texts, and masks them.

https://cloud.google.com/security-command-center/docs/reference/model-armor/rest
"""

import asyncio
import json
from typing import Any, ClassVar, cast

import msgspec
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from gateway.sdk import Content, Direction, Edit, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.remote import Asking, RemoteError, Service, readable

__all__ = ["ModelArmor", "ModelArmorParams"]

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_FOUND = "MATCH_FOUND"
_COMPLETE = "SUCCESS"


class ModelArmorParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which template judges, and who asks it."""

    template_id: str
    """The id of the template."""
    project_id: str
    """The project that it is in."""
    location: str = "us-central1"
    """The region that it is in."""
    credentials: str | None = None
    """A service account: the JSON of its key, or the file that has it."""
    access_token: str | None = None
    """A token in the place of an account, for whoever renews it himself."""
    api_endpoint: str | None = None
    """Another address than the region's own."""
    mask_request_content: bool = True
    """Mask what the template anonymizes in requests; else it is refused."""
    mask_response_content: bool = True
    """The same for answers."""

    __repr__ = object.__repr__

    def __post_init__(self) -> None:
        if bool(self.credentials) is bool(self.access_token):
            raise ValueError("either 'credentials' or 'access_token' is needed")


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    filter_match_state: str
    invocation_result: str = _COMPLETE
    filter_results: dict[str, dict[str, Any]] = {}


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    sanitization_result: _Result


class ModelArmor(Guardrail):
    """Refuses what the template finds; where it only anonymizes, masks."""

    Params: ClassVar[type[ModelArmorParams]] = ModelArmorParams

    def __init__(self, params: ModelArmorParams) -> None:
        """Raises ValueError for what is no address or no service account."""
        usual = f"https://modelarmor.{params.location}.rep.googleapis.com"
        self._service = Service(params.api_endpoint or usual)
        self._path = (
            f"/v1/projects/{params.project_id}/locations/{params.location}/templates/{params.template_id}"
        )
        self._params = params
        self._account = None if params.credentials is None else _read_account(params.credentials)

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Ask about every text. Raises RemoteError."""
        edits: list[Edit] = []
        categories: list[str] = []
        for place, piece in readable(content):
            if not piece.text.strip():
                continue
            answer = await self._ask(content.direction, piece.text, call)
            found, masked = _judge(answer)
            is_masked = masked is not None and set(found) == {"sdp"} and self._masks(content.direction)
            if (is_masked or not found) and answer.invocation_result != _COMPLETE:
                raise RemoteError(f"its service did not run all filters ({answer.invocation_result[:20]})")
            if is_masked and masked is not None:
                edits.append(Edit(place, 0, len(piece.text), masked))
            elif found:
                refusal = f"The guardrail '{call.guardrail}' refuses the content: {', '.join(found)}."
                return Verdict(refusal=refusal, categories=tuple(found))
            categories += found
        return Verdict(
            edits=tuple(edits),
            categories=tuple(dict.fromkeys(categories)),
            masked={"sdp": len(edits)} if edits else {},
        )

    async def _ask(self, direction: Direction, text: str, call: GuardrailCall) -> _Result:
        is_request = direction is Direction.REQUEST
        method = ":sanitizeUserPrompt" if is_request else ":sanitizeModelResponse"
        question = {"userPromptData" if is_request else "modelResponseData": {"text": text}}
        token = await asyncio.to_thread(self._token)
        asking = Asking(call.deadline_seconds, {"authorization": f"Bearer {token}"})
        answer = await self._service.ask(self._path + method, question, _Answer, asking)
        return answer.sanitization_result

    def _masks(self, direction: Direction) -> bool:
        params = self._params
        return params.mask_request_content if direction is Direction.REQUEST else params.mask_response_content

    def _token(self) -> str:
        account = self._account
        if account is None:
            return self._params.access_token or ""
        if not account.valid:
            try:
                account.refresh(Request())
            except GoogleAuthError as error:
                # Its messages repeat what the token service answered.
                raise RemoteError(f"no token was given for its account ({type(error).__name__})") from None
        return str(account.token)


def _read_account(text: str) -> Any:
    build = cast("Any", Credentials)  # the library leaves its constructors untyped
    try:
        if text.lstrip().startswith("{"):
            return build.from_service_account_info(json.loads(text), scopes=[_SCOPE])
        return build.from_service_account_file(text, scopes=[_SCOPE])
    except (ValueError, OSError) as error:
        raise ValueError(f"'credentials' are no service account ({type(error).__name__})") from None


def _judge(result: _Result) -> tuple[list[str], str | None]:
    """The filters that found something, and the text without what may be masked."""
    found: list[str] = []
    masked: str | None = None
    for name, one in result.filter_results.items():
        # Each has one member, of its own name.
        inner = cast("dict[str, Any]", next(iter(one.values()), None) or {})
        cleaned = inner.get("deidentifyResult", {})
        states = [part.get("matchState") for part in (inner, inner.get("inspectResult", {}), cleaned)]
        if _FOUND in states:
            found.append(name)
            masked = cleaned.get("data", {}).get("text", masked)
    if result.filter_match_state == _FOUND and not found:
        found.append("model_armor")
    return found, masked
