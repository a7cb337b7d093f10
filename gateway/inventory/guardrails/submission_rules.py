"""What may be submitted: guardrails of kinds that are meant for it, without secrets, at public addresses."""

from collections.abc import Mapping

import msgspec

from gateway.errors import BadRequest
from gateway.guardrails.kinds import Kinds
from gateway.inventory.guardrails.rules import SUBMITTER, build_checked, mask_guardrail
from gateway.inventory.tenant_addresses import leads_inside
from gateway.settings.stored import find_reference
from gateway.upstream.address_guard import AddressGuard

__all__ = ["check_submission"]

_MOST_BYTES = 64 * 1024


def check_submission(
    kinds: Kinds,
    name: str,
    params: Mapping[str, object],
    info: Mapping[str, object] | None,
    guard: AddressGuard,
) -> None:
    """Raise BadRequest for what nobody may submit, or what could not be set up.

    What is submitted is a tenant's: it refers to nothing of the operator's, holds no secrets, so that its
    reviewer sees all of it, leads to no private network, and runs for nobody who does not ask for it.
    """
    if len(msgspec.json.encode((params, info))) > _MOST_BYTES:
        raise _refused("litellm_params", f"A submission has at most {_MOST_BYTES} bytes.")
    reference = find_reference(dict(params), "litellm_params") or find_reference(
        dict(info or {}), "guardrail_info"
    )
    if reference is not None:
        raise _refused(reference, "A submission cannot refer to the gateway's environment.")
    for member, value in mask_guardrail(params).items():
        if value != params[member]:
            raise _refused(
                f"litellm_params.{member}",
                "A submission holds no secrets: an administrator adds them after its approval.",
            )
    if info is not None and SUBMITTER in info:
        raise _refused(f"guardrail_info.{SUBMITTER}", "The gateway itself writes down who submits.")
    if params.get("default_on") not in (None, False):
        raise _refused("litellm_params.default_on", "A submission does not run for everybody.")
    _check_address(params.get("api_base"), guard)
    if not build_checked(kinds, name, params, info, {}).can_be_submitted:
        raise _refused("litellm_params.guardrail", "Guardrails of this kind are an administrator's to make.")


def _check_address(address: object, guard: AddressGuard) -> None:
    if isinstance(address, str) and leads_inside(address, guard):
        raise _refused(
            "litellm_params.api_base",
            "A team's guardrail has a public address; this one leads into a network that is not for teams.",
        )


def _refused(param: str, message: str) -> BadRequest:
    return BadRequest(message, param=param, type="bad_request_error")
