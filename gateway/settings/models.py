"""Read `model_list` and `credential_list`."""

from collections.abc import Mapping, Sequence
from functools import partial

from gateway.domain import Secret
from gateway.settings.budgets import read_period
from gateway.settings.faults import Faults
from gateway.settings.known.deployment import UNSENT_PREFIXES
from gateway.settings.known_keys import MODEL_PARAMS, Standing, find_known_key
from gateway.settings.model import Credential, ModelEntry, SettingsNotice
from gateway.settings.node import Node, config_error, plain
from gateway.settings.readers import (
    Reader,
    integer,
    one_of,
    read_boolean,
    read_fields,
    read_items,
    read_mapping,
    read_members,
    read_number,
    read_plain_mapping,
    read_seconds,
    read_secret,
    read_text,
    read_texts,
    read_values,
)

__all__ = ["find_missing_credentials", "read_credentials", "read_model", "read_models"]

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
    "max_budget": read_number,
    "budget_duration": read_period,
    "cooldown_time": read_seconds,
    "drop_params": read_boolean,
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


def read_models(root: Node, faults: Faults) -> tuple[ModelEntry, ...]:
    """The items of `model_list`; one that is wrong, or has another's id, is noted in `faults`."""
    node = root.member("model_list")
    if node is None:
        return ()
    items = faults.attempt(lambda: read_items(node), [])
    _refuse_equal_ids(items, faults)
    models: list[ModelEntry] = []
    for item in items:
        with faults.collect():
            models.append(read_model(item))
    return tuple(models)


def _refuse_equal_ids(items: Sequence[Node], faults: Faults) -> None:
    first_with_id: dict[str, Node] = {}
    for item in items:
        given = item.member("model_info")
        identity = given.member("id") if given else None
        if identity is None:
            continue
        text = faults.attempt(partial(read_text, identity), None)
        if text is None:
            continue
        other = first_with_id.setdefault(text, identity)
        if other is not identity:
            message = f"The id '{text}' is taken by {other.path} ({other.file}:{other.line})."
            faults.add(config_error(identity, message))


def read_model(item: Node) -> ModelEntry:
    """One item of `model_list`. Raises ConfigError, ConfigErrors where several members are wrong."""
    members = read_mapping(item)
    faults = Faults()
    for key in ("model_name", "litellm_params"):
        if key not in members:
            faults.add(config_error(item, f"The model has no '{key}'."))
    name = faults.attempt(lambda: _read_name(members.get("model_name")), "")
    params = faults.attempt(lambda: _read_params(members.get("litellm_params")), {})
    info = faults.attempt(lambda: _typed(read_members(members.get("model_info")), _INFO_READERS), {})
    faults.refuse()
    return ModelEntry(
        model_name=name,
        litellm_params=params,
        model_info=info,
        key_path=item.path,
        file=item.file,
        lines=_lines(item),
    )


def _lines(item: Node) -> dict[str, int]:
    members = read_members(item)
    parts = [item, *members.values()]
    for name in ("litellm_params", "model_info"):
        parts += read_members(members.get(name)).values()
    return {part.path: part.line for part in parts}


def _read_name(node: Node | None) -> str:
    name = read_text(node) if node is not None else ""
    if node is not None and not name.strip():
        raise config_error(node, "The name of a model cannot be empty.")
    return name


def _read_params(node: Node | None) -> dict[str, object]:
    if node is None:
        return {}
    params = read_mapping(node)
    faults = Faults()
    model = faults.attempt(lambda: _read_model_of(node), "")
    others = {name: child for name, child in _effective(params).items() if name != "model"}
    typed = faults.attempt(lambda: _typed(others, _PARAM_READERS), {})
    faults.refuse()
    return {**typed, "model": model}


def _read_model_of(params: Node) -> str:
    node = params.member("model")
    model = read_text(node) if node is not None else ""
    if not model.strip():
        raise config_error(params, "There is no 'model', such as 'openai/gpt-4o-mini'.")
    return model


def _effective(params: Mapping[str, Node]) -> dict[str, Node]:
    """Leave out what has no effect: whatever else stands in the parameters may be sent upstream."""
    return {name: node for name, node in params.items() if not _has_no_effect(name)}


def _has_no_effect(name: str) -> bool:
    known = find_known_key(MODEL_PARAMS, name)
    if known is not None:
        return known.standing is not Standing.SUPPORTED
    return name.startswith(UNSENT_PREFIXES)


def _typed(members: Mapping[str, Node], readers: Mapping[str, Reader]) -> dict[str, object]:
    return read_fields(members, {name: (name, readers.get(name, plain)) for name in members})


def read_credentials(root: Node, faults: Faults) -> dict[str, Credential]:
    """The items of `credential_list` by name; a wrong or second one is noted in `faults`."""
    node = root.member("credential_list")
    items = faults.attempt(lambda: read_items(node) if node is not None else [], [])
    found: dict[str, Credential] = {}
    for item in items:
        with faults.collect():
            credential = _read_credential(item)
            if credential.name in found:
                message = f"There are two credentials named '{credential.name}'."
                raise config_error(item.member("credential_name") or item, message)
            found[credential.name] = credential
    return found


def _read_credential(item: Node) -> Credential:
    members = read_mapping(item)
    if "credential_name" not in members:
        raise config_error(item, "The credential has no 'credential_name'.")
    faults = Faults()
    info = members.get("credential_info")
    credential = Credential(
        name=faults.attempt(lambda: read_text(members["credential_name"]), ""),
        values=faults.attempt(lambda: _secrets(members.get("credential_values")), {}),
        info=faults.attempt(lambda: read_plain_mapping(info) if info is not None else {}, {}),
    )
    faults.refuse()
    return credential


def _secrets(node: Node | None) -> dict[str, Secret]:
    return read_values(read_members(node), read_secret)


def find_missing_credentials(
    models: tuple[ModelEntry, ...], credentials: Mapping[str, Credential]
) -> list[SettingsNotice]:
    """A notice for every model whose `litellm_credential_name` no item of `credential_list` has."""
    found: list[SettingsNotice] = []
    for entry in models:
        name = entry.litellm_params.get("litellm_credential_name")
        if isinstance(name, str) and name not in credentials:
            path = f"{entry.key_path}.litellm_params.litellm_credential_name"
            message = f"No item of credential_list is named '{name}'; the database has to have it."
            found.append(SettingsNotice(path, message, entry.file or None, entry.line_of(path) or None))
    return found
