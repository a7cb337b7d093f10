"""Policies to begin with: guardrails that belong together, ready to be stored."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.errors import BadRequest, NotFound

__all__ = ["TEMPLATES", "EnrichRequest", "Template", "enrich", "find_template", "list_templates"]

_MOST_NAMES = 500
_BOTH = ("pre_call", "post_call")


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A guardrail of a template, as `POST /guardrails` takes it."""

    guardrail_name: str
    litellm_params: Mapping[str, object]
    guardrail_info: Mapping[str, object] = {}


class Template(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A policy with its guardrails. `parameter` is what has to be filled in before it is of use."""

    id: str
    title: str
    description: str
    complexity: str
    tags: tuple[str, ...]
    guardrail_definitions: tuple[Definition, ...]
    parameter: str | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of guardrail that it needs."""
        return frozenset(str(one.litellm_params["guardrail"]) for one in self.guardrail_definitions)

    def show(self) -> dict[str, Any]:
        """The template with the policy that it makes."""
        names = [one.guardrail_name for one in self.guardrail_definitions]
        shown: dict[str, Any] = msgspec.to_builtins(self)
        made = {
            "policy_name": self.id,
            "description": self.description,
            "guardrails_add": names,
            "guardrails_remove": [],
        }
        return shown | {"guardrails": names, "templateData": made}


class EnrichRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /policy/templates/enrich`: what is filled in. No model is asked, so `competitors` are named."""

    template_id: str
    parameters: dict[str, Any]
    model: str | None = None
    competitors: list[str] | None = None
    instruction: str | None = None


def _define(name: str, kind: str, text: str, modes: Sequence[str] = _BOTH, **params: object) -> Definition:
    return Definition(
        guardrail_name=name,
        litellm_params={"guardrail": kind, "mode": list(modes), **params},
        guardrail_info={"description": text},
    )


TEMPLATES: tuple[Template, ...] = (
    Template(
        id="credentials",
        title="Keep credentials inside",
        description="Keys, tokens and passwords are masked in requests and answers.",
        complexity="Low",
        tags=("security", "credentials"),
        guardrail_definitions=(
            _define("template-credentials", "secret_detection", "Masks keys, tokens and passwords."),
        ),
    ),
    Template(
        id="personal-data",
        title="Mask personal data",
        description="Addresses, phone numbers, accounts and national ids are masked in requests and answers.",
        complexity="Low",
        tags=("privacy", "GDPR"),
        guardrail_definitions=(_define("template-personal-data", "pii", "Masks personal data."),),
    ),
    Template(
        id="payment-data",
        title="Refuse payment data",
        description="Requests and answers with card numbers or bank accounts are refused.",
        complexity="Low",
        tags=("privacy", "payments"),
        guardrail_definitions=(
            _define(
                "template-payment-data",
                "pii",
                "Refuses card numbers and bank accounts.",
                pii_entities_config={"CREDIT_CARD": "BLOCK", "IBAN_CODE": "BLOCK"},
            ),
        ),
    ),
    Template(
        id="untrusted-input",
        title="Distrust what comes from outside",
        description="Attempts to take the model over are refused, and addresses in answers are masked.",
        complexity="Medium",
        tags=("security", "prompt injection"),
        guardrail_definitions=(
            _define(
                "template-injection", "prompt_injection", "Refuses attempts to take over.", ("pre_call",)
            ),
            _define("template-addresses", "ban_urls", "Masks addresses in answers.", ("post_call",)),
        ),
    ),
    Template(
        id="competitors",
        title="Do not speak of competitors",
        description="Answers that name a competitor are refused.",
        complexity="Medium",
        tags=("brand",),
        parameter="competitors",
        guardrail_definitions=(
            _define(
                "template-competitors",
                "ban_competitors",
                "Refuses answers that name a competitor.",
                ("post_call",),
                competitors=[],
            ),
        ),
    ),
)
"""Every template; which of them a gateway can offer depends on the guardrails that are installed."""


def list_templates(installed: Container[str]) -> list[Template]:
    """The templates whose kinds of guardrail are installed."""
    return [one for one in TEMPLATES if all(kind in installed for kind in one.kinds)]


def find_template(identifier: str, installed: Container[str]) -> Template:
    """A template. Raises NotFound."""
    found = next((one for one in list_templates(installed) if one.id == identifier), None)
    if found is None:
        raise NotFound(f"There is no template '{identifier[:100]}'.", param="template_id")
    return found


def enrich(wanted: EnrichRequest, installed: Container[str]) -> dict[str, Any]:
    """The guardrails of a template with its parameter filled in. Raises NotFound and BadRequest."""
    template = find_template(wanted.template_id, installed)
    names = _names(wanted)
    if template.parameter is None:
        names = []
    elif not names:
        raise BadRequest(
            "Name the competitors: this gateway does not ask a model for them.", param="competitors"
        )
    definitions = [_fill(one, names) for one in template.guardrail_definitions]
    return {"guardrailDefinitions": definitions, "competitors": names, "competitor_variations": {}}


def _names(wanted: EnrichRequest) -> list[str]:
    given: object = wanted.competitors or wanted.parameters.get("competitors") or ()
    try:
        names = msgspec.convert(given, list[str])
    except msgspec.ValidationError as error:
        raise BadRequest("'competitors' must be a list of names.", param="competitors") from error
    if len(names) > _MOST_NAMES:
        raise BadRequest(f"'competitors' has more than {_MOST_NAMES} names.", param="competitors")
    return names


def _fill(definition: Definition, names: Iterable[str]) -> Definition:
    if "competitors" not in definition.litellm_params:
        return definition
    params = {**definition.litellm_params, "competitors": list(names)}
    return msgspec.structs.replace(definition, litellm_params=params)
