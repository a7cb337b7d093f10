"""One item of `model_list` with its named credential filled in and its provider known."""

from collections.abc import Mapping

import msgspec

from gateway.catalog.naming import find_provider, list_prefixes
from gateway.catalog.params import Params
from gateway.catalog.providers import Provider
from gateway.errors import ConfigError
from gateway.settings import Credential, ModelEntry

__all__ = ["Source", "read_source"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What an item says: `members` are its `litellm_params`, `params` and `info` read them and `model_info`.

    `model` is the provider's name of the model. `environ` lends what the item leaves out.
    """

    entry: ModelEntry
    members: dict[str, object]
    params: Params
    info: Params
    provider: Provider
    model: str
    environ: Mapping[str, str]


def read_source(
    entry: ModelEntry, credentials: Mapping[str, Credential], environ: Mapping[str, str]
) -> Source:
    """Fill in the item's credential and find its provider; raises ConfigError with the key path."""
    path = f"{entry.key_path}.litellm_params" if entry.key_path else "litellm_params"
    members = _with_credential(entry.litellm_params, credentials, path)
    params = Params(members, path)
    provider, model = _provider(params)
    return Source(
        entry=entry,
        members=members,
        params=params,
        info=Params(entry.model_info, path.removesuffix("litellm_params") + "model_info"),
        provider=provider,
        model=model,
        environ=environ,
    )


def _with_credential(
    members: dict[str, object], credentials: Mapping[str, Credential], path: str
) -> dict[str, object]:
    """Fill in what `litellm_credential_name` refers to; what the item itself says wins."""
    name = members.get("litellm_credential_name")
    if name is None:
        return members
    credential = credentials.get(str(name))
    if credential is None:
        message = f"names the credential '{name}', which credential_list does not have."
        raise ConfigError(message, path=f"{path}.litellm_credential_name", allowed=sorted(credentials))
    stated = {key: value for key, value in members.items() if value is not None}
    return {**credential.values, **stated}


def _provider(params: Params) -> tuple[Provider, str]:
    model, chosen = params.text("model"), params.text("custom_llm_provider")
    if model is None:
        raise ConfigError("is missing; write <provider>/<model>.", path=params.path_of("model"))
    found = find_provider(model, chosen, api_base=params.text("api_base", "base_url"))
    if found is not None:
        return found
    if chosen is not None:
        message = f"names the unknown provider '{chosen}'."
        raise ConfigError(message, path=params.path_of("custom_llm_provider"), allowed=list_prefixes())
    message = (
        f"'{model}' does not say which provider it belongs to; write <provider>/<model>, or set api_base."
    )
    raise ConfigError(message, path=params.path_of("model"), allowed=list_prefixes())
