"""The bodies of the routes of guardrails."""

import msgspec

__all__ = ["GuardrailBody", "NewGuardrailRequest", "PatchGuardrailRequest"]


class GuardrailBody(msgspec.Struct, frozen=True, kw_only=True):
    """A guardrail, as an item of the configuration's `guardrails`."""

    guardrail_name: str
    litellm_params: dict[str, object]
    guardrail_info: dict[str, object] | None = None
    guardrail_id: str | None = None

    __repr__ = object.__repr__


class NewGuardrailRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /guardrails` and `PUT /guardrails/{guardrail_id}`: the whole guardrail."""

    guardrail: GuardrailBody


class PatchGuardrailRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /guardrails/{guardrail_id}`: what changes; a parameter that is null is taken away."""

    guardrail_name: str | None = None
    litellm_params: dict[str, object] | None = None
    guardrail_info: dict[str, object] | None = None

    __repr__ = object.__repr__
