"""Read a model or a guardrail that stands in the database as an item of the configuration is read."""

from collections.abc import Mapping

from gateway.errors import ConfigError
from gateway.settings.faults import Faults
from gateway.settings.guardrails import GuardrailEntry, read_guardrail
from gateway.settings.known_keys import MODEL_INFO, MODEL_PARAMS, Standing, find_known_key
from gateway.settings.model import ModelEntry, SettingsNotice
from gateway.settings.models import read_model
from gateway.settings.node import Node, build_node
from gateway.settings.own_variables import refuse_own_secrets
from gateway.settings.readers import read_plain_mapping
from gateway.settings.references import REFERENCE_PREFIX, resolve_references

__all__ = ["find_reference", "read_stored_guardrail", "read_stored_model", "read_stored_settings"]

_SECTIONS = (("litellm_params", MODEL_PARAMS), ("model_info", MODEL_INFO))


def read_stored_model(
    members: Mapping[str, object], path: str, environ: Mapping[str, str] | None
) -> ModelEntry:
    """Read `model_name`, `litellm_params` and `model_info`, decrypted; `path` names the row in messages.

    References to variables are looked up in `environ`; where it is None they are refused, as the model is
    somebody's who must not read the operator's environment. Those to the gateway's own secrets are refused to
    everybody. Raises ConfigError for whatever is wrong.
    """
    node = build_node(dict(members), path)
    if environ is None:
        reference = find_reference(members, path)
        if reference is not None:
            raise ConfigError("A team's model cannot refer to the gateway's environment.", path=reference)
    else:
        node = _resolve(node, environ)
    _refuse_restrictions(node)
    return read_model(node)


def read_stored_guardrail(
    members: Mapping[str, object], path: str, environ: Mapping[str, str]
) -> GuardrailEntry:
    """Read `guardrail_name`, `litellm_params` and `guardrail_info`, decrypted. Raises ConfigError."""
    return read_guardrail(_resolve(build_node(dict(members), path), environ))


def read_stored_settings(
    members: Mapping[str, object], path: str, environ: Mapping[str, str]
) -> dict[str, object]:
    """Settings that somebody else understands, with references looked up. Raises ConfigError."""
    return read_plain_mapping(_resolve(build_node(dict(members), path), environ))


def find_reference(value: object, path: str) -> str | None:
    """The path of the first reference to a variable of the environment."""
    node = build_node(value, path)
    return _find(node)


def _find(node: Node) -> str | None:
    if isinstance(node.value, str):
        return node.path if node.value.startswith(REFERENCE_PREFIX) else None
    children: list[Node] = []
    if isinstance(node.value, dict):
        children = list(node.value.values())
    elif isinstance(node.value, list):
        children = node.value
    return next((found for child in children if (found := _find(child)) is not None), None)


def _resolve(node: Node, environ: Mapping[str, str]) -> Node:
    refuse_own_secrets(node)
    notices: list[SettingsNotice] = []
    faults = Faults()
    resolved = resolve_references(node, environ, notices, faults)
    faults.refuse()
    if notices:
        raise ConfigError(notices[0].message, path=notices[0].path)
    return resolved


def _refuse_restrictions(node: Node) -> None:
    """What would narrow access and cannot be enforced must not be passed over."""
    for name, section in _SECTIONS:
        part = node.member(name)
        for key, child in part.value.items() if part is not None and isinstance(part.value, dict) else ():
            known = find_known_key(section, key)
            if known is None or known.standing is not Standing.REFUSED or _is_off(child):
                continue
            message = "This restricts who may use the model, and this release cannot enforce it."
            raise ConfigError(message, path=child.path)


def _is_off(node: Node) -> bool:
    return node.value is None or node.value is False or node.value in ("", [], {})
