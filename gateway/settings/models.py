"""Read `model_list` and `credential_list`."""

from collections.abc import Mapping

from gateway.domain import Secret
from gateway.settings.known.deployment import UNSENT_PREFIXES
from gateway.settings.known_keys import MODEL_PARAMS, Standing, find_known_key
from gateway.settings.model import Credential, ModelEntry, SettingsNotice
from gateway.settings.node import Node, config_error, plain
from gateway.settings.readers import (
    Reader,
    integer,
    one_of,
    read_items,
    read_mapping,
    read_members,
    read_number,
    read_plain_mapping,
    read_seconds,
    read_text,
    read_texts,
)

__all__ = ["find_missing_credentials", "read_credentials", "read_models"]

_PARAM_READERS: Mapping[str, Reader] = {
    "api_base": read_text,
    "base_url": read_text,
    "api_key": read_text,
    "api_version": read_text,
    "organization": read_text,
    "custom_llm_provider": read_text,
    "litellm_credential_name": read_text,
    "rpm": integer(),
    "tpm": integer(),
    "weight": read_number,
    "order": integer(),
    "max_parallel_requests": integer(),
    "timeout": read_seconds,
    "stream_timeout": read_seconds,
    "max_retries": integer(0, 100),
    "cooldown_time": read_seconds,
    "on_disconnect": one_of("drain", "cancel"),
    "extra_headers": read_plain_mapping,
}
"""Parameters whose type is fixed; what they read to replaces the text that an environment variable gave."""

_INFO_READERS: Mapping[str, Reader] = {
    "id": read_text,
    "mode": read_text,
    "base_model": read_text,
    "access_groups": lambda node: list(read_texts(node)),
    "max_input_tokens": integer(),
    "max_output_tokens": integer(),
}


def read_models(root: Node) -> tuple[ModelEntry, ...]:
    """The items of `model_list`. Raises ConfigError, also for two items with one id."""
    node = root.member("model_list")
    if node is None:
        return ()
    models: list[ModelEntry] = []
    first_with_id: dict[str, Node] = {}
    for item in read_items(node):
        models.append(_read_model(item))
        given = item.member("model_info")
        identity = given.member("id") if given else None
        if identity is None:
            continue
        other = first_with_id.setdefault(read_text(identity), identity)
        if other is not identity:
            message = f"The id '{read_text(identity)}' is taken by {other.path} ({other.file}:{other.line})."
            raise config_error(identity, message)
    return tuple(models)


def _read_model(item: Node) -> ModelEntry:
    members = read_mapping(item)
    for key in ("model_name", "litellm_params"):
        if key not in members:
            raise config_error(item, f"The model has no '{key}'.")
    name = read_text(members["model_name"])
    if not name.strip():
        raise config_error(members["model_name"], "The name of a model cannot be empty.")
    params = read_mapping(members["litellm_params"])
    model = params.get("model")
    if model is None or not read_text(model).strip():
        message = "There is no 'model', such as 'openai/gpt-4o-mini'."
        raise config_error(members["litellm_params"], message)
    return ModelEntry(
        model_name=name,
        litellm_params={**_typed(_effective(params), _PARAM_READERS), "model": read_text(model)},
        model_info=_typed(read_members(members.get("model_info")), _INFO_READERS),
        key_path=item.path,
    )


def _effective(params: Mapping[str, Node]) -> dict[str, Node]:
    """Leave out what has no effect: whatever else stands in the parameters may be sent upstream."""
    return {name: node for name, node in params.items() if not _has_no_effect(name)}


def _has_no_effect(name: str) -> bool:
    known = find_known_key(MODEL_PARAMS, name)
    if known is not None:
        return known.standing is not Standing.SUPPORTED
    return name.startswith(UNSENT_PREFIXES)


def _typed(members: Mapping[str, Node], readers: Mapping[str, Reader]) -> dict[str, object]:
    return {name: readers.get(name, plain)(node) for name, node in members.items()}


def read_credentials(root: Node) -> dict[str, Credential]:
    """The items of `credential_list` by name. Raises ConfigError, also for a name that is given twice."""
    node = root.member("credential_list")
    found: dict[str, Credential] = {}
    for item in read_items(node) if node is not None else ():
        members = read_mapping(item)
        if "credential_name" not in members:
            raise config_error(item, "The credential has no 'credential_name'.")
        name = read_text(members["credential_name"])
        if name in found:
            raise config_error(members["credential_name"], f"There are two credentials named '{name}'.")
        info = members.get("credential_info")
        found[name] = Credential(
            name=name,
            values=_secrets(members.get("credential_values")),
            info=read_plain_mapping(info) if info is not None else {},
        )
    return found


def _secrets(node: Node | None) -> dict[str, Secret]:
    return {name: Secret(read_text(child)) for name, child in read_members(node).items()}


def find_missing_credentials(
    models: tuple[ModelEntry, ...], credentials: Mapping[str, Credential]
) -> list[SettingsNotice]:
    """A notice for every model whose `litellm_credential_name` no item of `credential_list` has."""
    found: list[SettingsNotice] = []
    for entry in models:
        name = entry.litellm_params.get("litellm_credential_name")
        if isinstance(name, str) and name not in credentials:
            path = f"{entry.key_path}.litellm_params.litellm_credential_name"
            message = f"No item of credential_list is named '{name}'; the deployment will have no credential."
            found.append(SettingsNotice(path, message))
    return found
