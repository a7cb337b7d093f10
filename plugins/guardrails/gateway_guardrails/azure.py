"""The guardrails `azure/text_moderations` and `azure/prompt_shield`: Azure AI Content Safety.

https://learn.microsoft.com/rest/api/contentsafety/text-operations
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

import msgspec

from gateway.sdk import Content, Direction, Guardrail, GuardrailCall, PieceKind, Verdict
from gateway_guardrails.remote import Asking, RemoteError, Service, readable, texts_of

__all__ = ["AzurePromptShield", "AzurePromptShieldParams", "AzureTextModeration", "AzureTextModerationParams"]

_VERSION = "2024-09-01"
_MOST_CHARACTERS = 10_000
"""The longest text that the service takes."""
_MOST_DOCUMENTS = 5
_Category = Literal["Hate", "SelfHarm", "Sexual", "Violence"]
_HIGHEST = 7
_OF_USERS = frozenset({"", "user"})
"""Roles of what users say; a prompt without messages has none."""


class AzureTextModerationParams(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={
        "blocklist_names": "blocklistNames",
        "halts_on_blocklist_hit": "haltOnBlocklistHit",
        "output_type": "outputType",
    },
):
    """Where the service is, and from which severity on a category counts."""

    api_base: str
    """The address of the resource, `https://{resource}.cognitiveservices.azure.com`."""
    api_key: str
    """Sent as `Ocp-Apim-Subscription-Key`."""
    api_version: str = _VERSION
    """The version of the API."""
    severity_threshold: int = 2
    """The severity, 0 to 7, from which a category counts."""
    severity_threshold_by_category: dict[_Category, int] = {}
    """The same for single categories."""
    categories: list[_Category] = []
    """The categories to judge; all if none is named."""
    blocklist_names: list[str] = []
    """Block lists of the resource."""
    halts_on_blocklist_hit: bool = False
    """Judge nothing more after a hit in a block list."""
    output_type: Literal["FourSeverityLevels", "EightSeverityLevels"] = "FourSeverityLevels"
    """How fine severities are."""

    __repr__ = object.__repr__

    def __post_init__(self) -> None:
        levels = (self.severity_threshold, *self.severity_threshold_by_category.values())
        if any(not 0 <= level <= _HIGHEST for level in levels):
            raise ValueError(f"a severity is from 0 to {_HIGHEST}")


class _Severity(msgspec.Struct, frozen=True):
    category: str
    severity: int


class _Hit(msgspec.Struct, frozen=True, rename="camel"):
    blocklist_name: str


class _Analysis(msgspec.Struct, frozen=True, rename="camel"):
    categories_analysis: list[_Severity]
    blocklists_match: list[_Hit] = []


class AzureTextModeration(Guardrail):
    """Refuses texts that are judged as severe."""

    Params: ClassVar[type[AzureTextModerationParams]] = AzureTextModerationParams

    def __init__(self, params: AzureTextModerationParams) -> None:
        """Raises ValueError for what is no address."""
        self._service = Service(params.api_base, {"ocp-apim-subscription-key": params.api_key})
        self._path = f"/contentsafety/text:analyze?api-version={params.api_version}"
        self._params = params

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Ask about every text. Raises RemoteError."""
        highest = 0
        for text in _parts(texts_of(readable(content))):
            asking = Asking(call.deadline_seconds)
            analysis = await self._service.ask(self._path, self._question(text), _Analysis, asking)
            found = [hit.blocklist_name for hit in analysis.blocklists_match]
            found += [item.category for item in analysis.categories_analysis if self._counts(item)]
            highest = max(highest, *(item.severity for item in analysis.categories_analysis), 0)
            if found:
                refusal = f"The guardrail '{call.guardrail}' refuses the content: {', '.join(found)}."
                return Verdict(refusal=refusal, categories=tuple(found), score=_score(highest))
        return Verdict(score=_score(highest))

    def _question(self, text: str) -> dict[str, object]:
        params = self._params
        return {
            "text": text,
            "outputType": params.output_type,
            "haltOnBlocklistHit": params.halts_on_blocklist_hit,
            **({"categories": params.categories} if params.categories else {}),
            **({"blocklistNames": params.blocklist_names} if params.blocklist_names else {}),
        }

    def _counts(self, item: _Severity) -> bool:
        # Names of other categories than those that are known today have the general threshold.
        levels: dict[str, int] = {**self._params.severity_threshold_by_category}
        return item.severity >= levels.get(item.category, self._params.severity_threshold)


class AzurePromptShieldParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the service is."""

    api_base: str
    """The address of the resource, `https://{resource}.cognitiveservices.azure.com`."""
    api_key: str
    """Sent as `Ocp-Apim-Subscription-Key`."""
    api_version: str = _VERSION
    """The version of the API."""

    __repr__ = object.__repr__


class _Attack(msgspec.Struct, frozen=True, rename="camel"):
    attack_detected: bool


class _Shielded(msgspec.Struct, frozen=True, rename="camel"):
    user_prompt_analysis: _Attack | None = None
    documents_analysis: list[_Attack] = []


class AzurePromptShield(Guardrail):
    """Refuses prompts that attack the model, and what tools answered if that does."""

    Params: ClassVar[type[AzurePromptShieldParams]] = AzurePromptShieldParams

    def __init__(self, params: AzurePromptShieldParams) -> None:
        """Raises ValueError for what is no address."""
        self._service = Service(params.api_base, {"ocp-apim-subscription-key": params.api_key})
        self._path = f"/contentsafety/text:shieldPrompt?api-version={params.api_version}"

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Ask about what the user says as prompts, and about results of tools as documents.

        Raises RemoteError.
        """
        if content.direction is Direction.RESPONSE:
            return None
        documents = [*_parts(texts_of(readable(content, PieceKind.TOOL_RESULT)))]
        others = [piece.text for _, piece in readable(content, PieceKind.TEXT) if piece.role in _OF_USERS]
        prompts = [*_parts(others)] or [""]
        for number in range(max(len(prompts), -(-len(documents) // _MOST_DOCUMENTS))):
            some = documents[number * _MOST_DOCUMENTS : (number + 1) * _MOST_DOCUMENTS]
            prompt = prompts[number] if number < len(prompts) else ""
            found = await self._judge(prompt, some, call)
            if found:
                refusal = f"The guardrail '{call.guardrail}' found an attack on the model."
                return Verdict(refusal=refusal, categories=tuple(found))
        return None

    async def _judge(self, prompt: str, documents: list[str], call: GuardrailCall) -> list[str]:
        question = {"userPrompt": prompt, "documents": documents}
        answer = await self._service.ask(self._path, question, _Shielded, Asking(call.deadline_seconds))
        said = answer.user_prompt_analysis
        if said is None and prompt:
            raise RemoteError("its service did not judge the prompt")
        judged = answer.documents_analysis
        if len(judged) != len(documents):
            raise RemoteError(f"its service judged {len(judged)} of {len(documents)} documents")
        found = ["prompt_attack"] if said is not None and said.attack_detected else []
        return [*found, "document_attack"] if any(one.attack_detected for one in judged) else found


def _parts(texts: list[str]) -> Iterator[str]:
    """The texts, those that are too long in parts that overlap, so that nothing hides at an edge."""
    step = _MOST_CHARACTERS - 500
    for text in texts:
        if text.strip():
            yield from (text[at : at + _MOST_CHARACTERS] for at in range(0, max(len(text) - 500, 1), step))


def _score(severity: int) -> float:
    return min(severity / _HIGHEST, 1.0)
