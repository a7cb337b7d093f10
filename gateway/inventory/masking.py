"""Shows settings of models and credentials without their secrets."""

from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from gateway.settings.known_keys import MODEL_PARAMS, Standing, find_known_key, is_open_family
from gateway.settings.node import is_credential_path
from gateway.settings.references import REFERENCE_PREFIX

__all__ = ["mask_address", "mask_all", "mask_params", "mask_text"]

_SHOWN = 4
_LONG_ENOUGH = 16
"""Characters from which on the last four tell nothing worth having."""
_ADDRESSES = frozenset({"api_base", "base_url"})
_HEADERS = frozenset({"headers", "extra_headers"})


def mask_text(secret: str) -> str:
    """A secret with nothing but its last four characters, a short one without any.

    A reference to a variable is no secret: it is shown as it stands.
    """
    if secret.startswith(REFERENCE_PREFIX):
        return secret
    return f"****{secret[-_SHOWN:]}" if len(secret) >= _LONG_ENOUGH else "****"


def mask_params(params: Mapping[str, object]) -> dict[str, object]:
    """The `litellm_params` of a model with every text masked that may be a secret.

    Shown are texts of the parameters that the gateway knows; addresses without credentials and query.
    """
    return {name: _mask_param(name, value) for name, value in params.items()}


def mask_all(values: Mapping[str, object]) -> dict[str, object]:
    """The values of a credential: addresses and versions are shown, everything else is masked."""
    return {
        name: mask_address(value) if name in _ADDRESSES and isinstance(value, str) else _mask(value)
        for name, value in values.items()
    }


def _mask_param(name: str, value: object) -> object:
    if name in _ADDRESSES and isinstance(value, str):
        return mask_address(value)
    if name in _HEADERS:
        return _mask(value)
    known = find_known_key(MODEL_PARAMS, name)
    is_plain = (known is not None and known.standing is Standing.SUPPORTED) or is_open_family(name)
    if not is_plain or _is_secret(name):
        return _mask(value)
    return _mask_within(value)


def _is_secret(name: str) -> bool:
    return is_credential_path(name) or name.startswith(("aws_", "azure_", "vertex_", "watsonx_"))


def _mask(value: object) -> object:
    """Every text within a value masked."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {name: _mask(inner) for name, inner in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_mask(inner) for inner in cast("Sequence[object]", value)]
    return value


def _mask_within(value: object) -> object:
    """The value with those texts masked whose names say that they are secrets."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {name: _mask(inner) if _is_secret(name) else _mask_within(inner) for name, inner in items}
    if isinstance(value, list | tuple):
        return [_mask_within(inner) for inner in cast("Sequence[object]", value)]
    return value


def mask_address(address: str) -> str:
    """An address without credentials, and without what its query says."""
    if address.startswith(REFERENCE_PREFIX):
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        return mask_text(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "****" if parts.query else "", ""))
