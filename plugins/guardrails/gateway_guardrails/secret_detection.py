"""The guardrail `secret_detection`: credentials in a prompt are masked, or the request is refused."""

from collections import Counter
from enum import StrEnum
from typing import ClassVar

import msgspec

from gateway.errors import GuardrailBlocked
from gateway.hooks import RequestContext
from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Verdict, plugin_log, rewrite_texts
from gateway_guardrails.detectors import (
    DEFAULT_KINDS,
    KINDS,
    PRIVATE_KEY,
    find_begun,
)
from gateway_guardrails.library_choice import DetectSecretsConfig
from gateway_guardrails.search import search
from gateway_guardrails.secret_finder import MINIMUM_ENTROPY, SecretFinder

__all__ = ["Action", "SecretDetection", "SecretDetectionSettings"]

_NAME = "secret_detection"


class Action(StrEnum):
    """What happens to a request in which a credential is found."""

    MASK = "mask"
    """The credential is replaced by `[REDACTED:<kind>]` and the request goes on."""
    BLOCK = "block"
    """The request is refused with 400."""


class SecretDetectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters: what to do, which kinds to look for, and how random a generic secret must look."""

    action: Action = Action.MASK
    """What happens to content in which a credential is found."""
    kinds: tuple[str, ...] = DEFAULT_KINDS
    """The kinds to look for; unless named, all but `high_entropy_base64` and `high_entropy_hex`."""
    minimum_entropy: float = MINIMUM_ENTROPY
    """The bits per character that the value of a setting needs to count as a credential."""
    detect_secrets_config: DetectSecretsConfig | None = None
    """`plugins_used`: plugins of detect-secrets (`name`, `limit`) that take the place of `kinds`."""

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise ValueError(f"there is no kind '{kind}'; known: {', '.join(KINDS)}")
        if self.detect_secrets_config is not None and self.kinds != DEFAULT_KINDS:
            raise ValueError("'kinds' and 'detect_secrets_config' both say what to find; keep one of them")


class SecretDetection(Guardrail):
    """Finds credentials in texts."""

    Params: ClassVar[type[SecretDetectionSettings]] = SecretDetectionSettings
    window = 320  # The longest credentials but private keys and JWTs, with the names of their settings.

    def __init__(self, params: SecretDetectionSettings) -> None:
        self._settings = params
        config = params.detect_secrets_config
        self._finder = SecretFinder(
            params.kinds if config is None else config.kinds,
            params.minimum_entropy,
            {} if config is None else config.limits,
        )
        self._log = plugin_log("guardrails")

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Mask credentials, or refuse content that has one, as the parameters say."""
        edits: list[Edit] = []
        kinds: Counter[str] = Counter()
        undecided: dict[int, int] = {}
        for place, piece in content.texts():
            if call.is_stream and (begun := find_begun(piece.text)) is not None:
                undecided[place] = begun
        for hit in search(content, self._finder.find, _is_closed):
            kind = hit.what
            if self._settings.action is Action.BLOCK:
                return Verdict(refusal=_refusal(call.guardrail, kind, hit.path), categories=(kind,))
            if hit.places:
                edits += hit.edits(f"[REDACTED:{kind}]")
                kinds[kind] += 1
        return Verdict(edits=tuple(edits), categories=tuple(kinds), masked=kinds, undecided=undecided)

    def guard(self, context: RequestContext) -> None:
        """Mask credentials in the body, or raise GuardrailBlocked, as the settings say."""
        masked: list[str] = []
        rewrite_texts(context, lambda text, path: self._rewrite(text, path, masked))
        if masked:
            self._log.info("secrets_masked", guardrail=_NAME, found=masked, call_id=context.call_id)

    def _rewrite(self, text: str, path: str, masked: list[str]) -> str:
        parts: list[str] = []
        at = 0
        for kind, start, end in self._finder.find(text):
            if self._settings.action is Action.BLOCK:
                raise GuardrailBlocked(
                    _refusal(_NAME, kind, path),
                    param=path,
                    details={"guardrail": _NAME, "kind": kind},
                )
            masked.append(f"{kind} in {path}")
            parts += (text[at:start], f"[REDACTED:{kind}]")
            at = end
        return "".join((*parts, text[at:])) if parts else text


def _refusal(guardrail: str, kind: str, path: str) -> str:
    found = f"The guardrail '{guardrail}' found a credential ({kind}) in {path}."
    return f"{found} Remove it and send the request again."


def _is_closed(kind: str, text: str) -> bool:
    """Whether a credential ends where its text does: only private keys say so."""
    return kind == PRIVATE_KEY and text.endswith("-----")
