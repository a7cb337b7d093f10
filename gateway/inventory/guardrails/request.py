"""The bodies and queries of the routes of guardrails."""

from typing import Annotated, Literal

import msgspec

__all__ = [
    "GuardrailBody",
    "NewGuardrailRequest",
    "PatchGuardrailRequest",
    "RegisterGuardrailRequest",
    "SubmissionQuery",
]


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


class RegisterGuardrailRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /guardrails/register`: what a team would have run; without a `team_id` the team of the key."""

    guardrail_name: str
    litellm_params: dict[str, object]
    guardrail_info: dict[str, object] | None = None
    team_id: str | None = None

    __repr__ = object.__repr__


class SubmissionQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /guardrails/submissions`: which submissions; `search` is a part of a name."""

    status: Literal["pending_review", "active", "rejected"] | None = None
    team_id: str | None = None
    search: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
