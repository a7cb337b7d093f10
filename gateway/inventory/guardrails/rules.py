"""What holds for every guardrail of the database, whoever brings it."""

from collections.abc import Mapping

import msgspec

from gateway.audit.masking import mask
from gateway.errors import BadRequest, ConfigError, Conflict, NotFound
from gateway.guardrails.kinds import Kinds
from gateway.identity.faults import Faults
from gateway.identity.values import check_text
from gateway.sdk import Guardrail
from gateway.settings.node import is_credential_path
from gateway.settings.stored import read_stored_guardrail

__all__ = [
    "ACTIVE",
    "SUBMITTER",
    "Surroundings",
    "build_checked",
    "mask_guardrail",
    "refuse_taken",
    "refuse_unknown",
    "shown_info",
]

ACTIVE = "active"
"""The `status` of a guardrail that runs."""
SUBMITTER = "gatewright_submitter"
"""The member of `guardrail_info` that says who submitted a guardrail."""


class Surroundings(msgspec.Struct, frozen=True):
    """Beside what guardrails of the database stand: the names of those of the configuration, and variables.

    `environ` are the variables to which parameters may refer.
    """

    configured: frozenset[str]
    environ: Mapping[str, str]


def build_checked(
    kinds: Kinds,
    name: str,
    params: Mapping[str, object],
    info: Mapping[str, object] | None,
    environ: Mapping[str, str],
) -> Guardrail:
    """Set a guardrail up for a trial; raises BadRequest for one with which that is impossible."""
    faults = Faults()
    check_text(faults, "guardrail_name", name)
    faults.refuse()
    members = {"guardrail_name": name, "litellm_params": dict(params), "guardrail_info": info}
    try:
        return kinds.build(read_stored_guardrail(members, "guardrail", environ))
    except ConfigError as error:
        raise BadRequest(str(error), param=error.path, type="bad_request_error") from error


def mask_guardrail(params: Mapping[str, object]) -> dict[str, object]:
    """Parameters with every secret in them replaced."""
    return {name: mask(value, is_secret=is_credential_path(name)) for name, value in mask(params).items()}


def shown_info(info: Mapping[str, object] | None) -> dict[str, object] | None:
    """What `guardrail_info` says to whoever may see a guardrail: not who submitted it."""
    if info is None:
        return None
    return {name: value for name, value in info.items() if name != SUBMITTER}


def refuse_taken(name: str) -> Conflict:
    """The refusal of a name that a guardrail or a submission has."""
    return Conflict(f"There is a guardrail '{name[:200]}' already.", param="guardrail_name")


def refuse_unknown(identifier: str) -> NotFound:
    """The refusal of an id that no guardrail has."""
    return NotFound(f"There is no guardrail with the id '{identifier[:200]}'.", param="guardrail_id")
