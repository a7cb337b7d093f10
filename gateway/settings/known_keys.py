"""Every key that the gateway knows, by section: behind the checks, suggestions and documentation."""

import difflib
from collections.abc import Iterable, Mapping

from gateway.settings.known.deployment import (
    CREDENTIAL_KEYS,
    INFO_KEYS,
    ITEM_KEYS,
    OPEN_PREFIXES,
    PARAMS_KEYS,
)
from gateway.settings.known.entry import KnownKey, Standing
from gateway.settings.known.general import GENERAL_KEYS
from gateway.settings.known.litellm import LITELLM_KEYS
from gateway.settings.known.router import RETRY_POLICY_KEYS, ROUTER_KEYS, ROUTING_STRATEGIES
from gateway.settings.known.top import TOP_KEYS

__all__ = [
    "CREDENTIAL_ITEM",
    "MODEL_INFO",
    "MODEL_ITEM",
    "MODEL_PARAMS",
    "RETRY_POLICY",
    "ROUTING_STRATEGIES",
    "SECTIONS",
    "TOP",
    "KnownKey",
    "Standing",
    "find_known_key",
    "find_similar_key",
    "is_open_family",
]

TOP = ""
MODEL_ITEM = "model_list[]"
MODEL_PARAMS = "model_list[].litellm_params"
MODEL_INFO = "model_list[].model_info"
CREDENTIAL_ITEM = "credential_list[]"
RETRY_POLICY = "router_settings.retry_policy"

_CLOSENESS = 0.8
"""difflib's ratio from which a word is a misspelling; 0.8 finds `num_retry` for `num_retries`."""


def _table(keys: Iterable[KnownKey]) -> dict[str, KnownKey]:
    return {key.name: key for key in keys}


SECTIONS: Mapping[str, Mapping[str, KnownKey]] = {
    TOP: _table(TOP_KEYS),
    "general_settings": _table(GENERAL_KEYS),
    "litellm_settings": _table(LITELLM_KEYS),
    "router_settings": _table(ROUTER_KEYS),
    RETRY_POLICY: _table(RETRY_POLICY_KEYS),
    MODEL_ITEM: _table(ITEM_KEYS),
    MODEL_PARAMS: _table(PARAMS_KEYS),
    MODEL_INFO: _table(INFO_KEYS),
    CREDENTIAL_ITEM: _table(CREDENTIAL_KEYS),
}
"""Known keys by section; a section within a list is written with `[]`."""


def find_known_key(section: str, name: str) -> KnownKey | None:
    """What is known about a key of a section."""
    return SECTIONS[section].get(name)


def find_similar_key(section: str, name: str) -> str | None:
    """The known key that a name was probably meant to be."""
    found = difflib.get_close_matches(name, SECTIONS[section], n=1, cutoff=_CLOSENESS)
    return found[0] if found else None


def is_open_family(name: str) -> bool:
    """Whether a key of a deployment belongs to a family too large to list: prices, providers' settings."""
    return name.startswith(OPEN_PREFIXES)
