"""Turns the deployments of a model into what a request chose itself: its own address, its own credential."""

import re
from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.catalog.addresses import build_urls
from gateway.catalog.connection import credential_header, find_api_version
from gateway.catalog.providers import PROVIDERS
from gateway.catalog.source import Source
from gateway.domain import ChosenBy, ClientChoice, ClientParams, Deployment, ModelGroup, OnDisconnect, Secret
from gateway.errors import BannedParameter, ConfigError

__all__ = ["follow_choice", "read_client_params"]

_KEY_NAME = "api_key"
_ADDRESS_NAMES = frozenset({"api_base", "base_url"})
_CREDENTIALS = frozenset({"authorization", "api-key", "openai-organization"})
"""Headers of the operator's that a credential of the client's replaces."""


def read_client_params(source: Source, *, allows_all: bool) -> ClientParams | None:
    """What `configurable_clientside_auth_params` leaves to clients; `allows_all` leaves them everything.

    Raises ConfigError for a parameter that cannot be left to them.
    """
    name = "configurable_clientside_auth_params"
    names, patterns = set[str](), list[str]()
    for item in _items(source, name):
        if isinstance(item, str):
            names.add(item)
        elif isinstance(item, dict):
            for key, pattern in cast("Mapping[str, object]", item).items():  # keys of YAML are texts
                names.add(key)
                patterns.append(str(pattern))
        else:
            raise source.params.wrong(name, "a list of names, or of mappings from api_base to a pattern")
    unknown = names - _ADDRESS_NAMES - {_KEY_NAME}
    if unknown:
        message = f"names '{min(unknown)}', which cannot be left to clients."
        allowed = sorted({*_ADDRESS_NAMES, _KEY_NAME})
        raise ConfigError(message, path=source.params.path_of(name), allowed=allowed)
    if not names and not allows_all:
        return None
    return ClientParams(
        api_key=allows_all or _KEY_NAME in names,
        api_base=allows_all or bool(names & _ADDRESS_NAMES),
        address_pattern=_compile(patterns, source, name),
        api_version=find_api_version(source),
    )


def _items(source: Source, name: str) -> list[object]:
    value = source.members.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise source.params.wrong(name, "a list")
    return list(cast("list[object]", value))  # of unknown YAML values


def _compile(patterns: list[str], source: Source, name: str) -> re.Pattern[str] | None:
    if not patterns:
        return None
    try:
        return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
    except re.error as error:
        message = f"has a pattern that is none: {error}."
        raise ConfigError(message, path=source.params.path_of(name)) from None


def follow_choice(group: ModelGroup, choice: ClientChoice) -> ModelGroup:
    """The deployments that leave this choice to their clients, changed to it.

    Raises BannedParameter where there is none.
    """
    found = tuple(_changed(item, choice) for item in group.deployments if _may_follow(item, choice))
    if not found:
        name = "api_key" if choice.api_base is None else "api_base"
        raise BannedParameter(
            f"Rejected Request: '{name}' is not allowed in the request body with this value. The gateway's "
            "administrator decides what a client may choose for this model.",
            param=name,
        )
    return ModelGroup(group.name, found)


def _may_follow(deployment: Deployment, choice: ClientChoice) -> bool:
    params = deployment.client_params
    if params is None or (choice.api_key is not None and not params.api_key):
        return False
    if choice.api_base is None:
        return True
    pattern = params.address_pattern
    return params.api_base and (pattern is None or pattern.fullmatch(choice.api_base) is not None)


def _changed(deployment: Deployment, choice: ClientChoice) -> Deployment:
    """A deployment of its own for one request; its id keeps it out of what is counted of the operator's."""
    provider = PROVIDERS[deployment.provider]
    credential = {} if choice.api_key is None else credential_header(provider, choice.api_key)
    identifier = f"{deployment.id}/client"
    if choice.api_base is None:
        kept = {name: value for name, value in deployment.headers.items() if name not in _CREDENTIALS}
        return msgspec.structs.replace(
            deployment, id=identifier, headers=kept | credential, chosen_by=ChosenBy.CLIENT_KEY
        )
    params = deployment.client_params
    urls = build_urls(
        provider, choice.api_base, deployment.model, params.api_version if params is not None else None
    )
    return msgspec.structs.replace(
        deployment,
        id=identifier,
        urls=urls,
        api_base=choice.api_base,
        # Credentials, prompts and switches of the operator's are nothing for an address that is not.
        headers={name: Secret(value) for name, value in provider.headers} | credential,
        defaults={},
        # The client that can stop a call is the one that looks where an address leads.
        on_disconnect=OnDisconnect.CANCEL,
        chosen_by=ChosenBy.CLIENT_ADDRESS,
    )
