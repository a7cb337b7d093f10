"""What settings are: their descriptions, their values, and which of them the database may say."""

from collections.abc import Mapping

import msgspec

from gateway.audit.masking import mask
from gateway.errors import BadRequest
from gateway.settings import Settings
from gateway.settings.known_keys import SECTIONS, Standing, find_known_key
from gateway.settings.node import is_credential_path
from gateway.settings.overlay import LIVE_FIELDS, VARIABLES, is_variable_allowed
from gateway.settings.pass_through import PASS_THROUGHS

__all__ = ["GENERAL", "ROUTER", "check_field", "describe_fields", "mask_field", "show_field"]

GENERAL, ROUTER = "general_settings", "router_settings"
_ATTRIBUTES: Mapping[str, str] = {
    "litellm_key_header_name": "key_header_name",
    "disable_prisma_schema_update": "disable_schema_update",
}
"""Fields of `general_settings` that have another name in the settings."""


def check_field(section: str, name: str) -> None:
    """Raise BadRequest for a setting that does not exist, or that the database cannot say."""
    path = f"{section}.{name}"
    if section == VARIABLES:
        if not is_variable_allowed(name):
            message = (
                f"The variable '{name[:100]}' belongs to the process; set it where the gateway is started."
            )
            raise BadRequest(message, param=path, type="bad_request_error")
        return
    if name in LIVE_FIELDS[section]:
        return
    known = find_known_key(section, name)
    if known is None:
        message = f"There is no setting '{name[:100]}' in {section}."
    elif known.standing is Standing.SUPPORTED:
        message = f"'{name}' is read when the gateway starts; set it in the configuration file."
    else:
        message = f"'{name}' is {known.standing.value}."
    raise BadRequest(message, param=path, type="bad_request_error")


def describe_fields(
    section: str, settings: Settings, stored: Mapping[str, object]
) -> list[dict[str, object]]:
    """Every setting of a section that has an effect, with its value: the database's, else the file's."""
    found: list[dict[str, object]] = []
    for key in SECTIONS[section].values():
        if key.standing is not Standing.SUPPORTED:
            continue
        value = _value(section, key.name, settings, stored)
        found.append(
            {
                "field_name": key.name,
                "field_type": _type_name(value),
                "field_description": key.note,
                "field_value": mask_field(key.name, value),
                "stored_in_db": key.name in stored,
                "field_default_value": None,
                "premium_field": False,
                "nested_fields": None,
                "source": "database" if key.name in stored else "config",
                "editable": key.name in LIVE_FIELDS[section],
            }
        )
    return found


def show_field(
    section: str, name: str, settings: Settings, stored: Mapping[str, object]
) -> dict[str, object]:
    """One setting. Raises BadRequest for one that does not exist."""
    known = find_known_key(section, name)
    if known is None or known.standing is not Standing.SUPPORTED:
        message = f"There is no setting '{name[:100]}' in {section}."
        raise BadRequest(message, param="field_name", type="bad_request_error")
    return {
        "field_name": name,
        "field_value": mask_field(name, _value(section, name, settings, stored)),
        "source": "database" if name in stored else "config",
        "editable": name in LIVE_FIELDS[section],
    }


def mask_field(name: str, value: object) -> object:
    """A setting's value without secrets; an address that takes in messages from everybody is one."""
    return mask(
        value, is_secret=is_credential_path(name) or name.endswith("webhook_url") or name == PASS_THROUGHS
    )


def _value(section: str, name: str, settings: Settings, stored: Mapping[str, object]) -> object:
    if name in stored:
        return stored[name]
    attribute = _ATTRIBUTES.get(name, name)
    holders = (settings.general, settings.access) if section == GENERAL else (settings.router,)
    value: object = next((getattr(one, attribute) for one in holders if hasattr(one, attribute)), None)
    return msgspec.to_builtins(value, str_keys=True, enc_hook=str)


def _type_name(value: object) -> str:
    names = {"bool": "Boolean", "int": "Integer", "float": "Float", "list": "List", "dict": "Dictionary"}
    return names.get(type(value).__name__, "String")
