"""Builds the models of the database: one that cannot be built is left out, and what is wrong is kept."""

from collections.abc import Callable, Container, Mapping

import msgspec

from gateway.catalog.added import AddedModels
from gateway.catalog.deployments import BuiltDeployment
from gateway.domain import ChosenBy, OnDisconnect
from gateway.errors import ConfigError
from gateway.settings import ModelEntry, Settings

__all__ = ["Build", "BuiltModels", "build_added", "build_one"]

Build = Callable[[ModelEntry, Settings, Mapping[str, str]], BuiltDeployment]
"""Builds one item; the last argument lends what the item leaves out."""


class BuiltModels(msgspec.Struct, frozen=True):
    """The models that are served and the faults of those that are not, by id."""

    built: dict[str, tuple[ModelEntry, BuiltDeployment]]
    faults: dict[str, str]


def build_added(
    added: AddedModels,
    taken: Container[str],
    build: Build,
    settings: Settings,
    environ: Mapping[str, str],
    kept: Mapping[int, BuiltDeployment],
) -> BuiltModels:
    """Build every model that is not blocked; `taken` are the ids of the configuration's own.

    `kept` are deployments that were built of the same entries before, by the identities of the entries.
    """
    built: dict[str, tuple[ModelEntry, BuiltDeployment]] = {}
    faults: dict[str, str] = {}
    for model in added.models:
        identifier = model.row.model_id
        if model.fault:
            faults[identifier] = model.fault
        if model.entry is None:
            continue
        if identifier in taken:
            faults[identifier] = "A model of the configuration has the same id."
        elif not model.is_blocked:
            try:
                one = kept.get(id(model.entry)) or build_one(
                    model.entry, build, settings, environ, is_tenants=model.is_tenants
                )
            except ConfigError as error:
                faults[identifier] = error.message
            else:
                built[identifier] = (model.entry, one)
    return BuiltModels(built, faults)


def build_one(
    entry: ModelEntry, build: Build, settings: Settings, environ: Mapping[str, str], *, is_tenants: bool
) -> BuiltDeployment:
    """Build one model; raises ConfigError.

    What is a tenant's gets no credential of the operator's, neither by name nor from the environment. Its
    address is reached by the client that looks where it leads, as a request's own is. Its callers choose
    nothing of it: who brings a credential is taken to the operator's address.
    """
    if not is_tenants:
        return build(entry, settings, environ)
    if "*" in entry.model_name or "*" in str(entry.litellm_params.get("model")):
        raise ConfigError("A team's model stands for one model.", path="model_name")
    built = build(entry, msgspec.structs.replace(settings, credentials={}), {})
    deployment = msgspec.structs.replace(
        built.deployment, on_disconnect=OnDisconnect.CANCEL, chosen_by=ChosenBy.TENANT, client_params=None
    )
    return msgspec.structs.replace(built, deployment=deployment)
