"""Builds the catalog of a configuration."""

from collections.abc import Container, Mapping

import msgspec

from gateway.catalog.added import NOTHING_ADDED, AddedModels
from gateway.catalog.added_builder import Build, build_added, build_one
from gateway.catalog.catalog import Catalog, Contents
from gateway.catalog.deployments import BuiltDeployment, build_deployment
from gateway.catalog.expansions import Expansions, Template
from gateway.catalog.identifiers import build_id
from gateway.catalog.price_book import PriceBook
from gateway.catalog.providers import LOCAL_PROVIDERS, MOCK
from gateway.catalog.team_models import build_team_models
from gateway.catalog.wildcards import build_wildcards
from gateway.clock import Clock, SystemClock
from gateway.domain import Deployment, ModelGroup
from gateway.errors import ConfigError
from gateway.settings import Faults, ModelEntry, Settings, SettingsNotice

__all__ = ["build_catalog", "try_model"]

_SYSTEM_CLOCK = SystemClock()


def build_catalog(
    settings: Settings,
    price_book: PriceBook,
    environ: Mapping[str, str],
    clock: Clock = _SYSTEM_CLOCK,
    added: AddedModels = NOTHING_ADDED,
    former: Catalog | None = None,
) -> Catalog:
    """Build the catalog of a configuration and of what the database adds to it.

    `environ` lends keys and addresses that the configuration leaves out. Raises ConfigError with the key
    path of what is wrong, for every item of the configuration that cannot be built; what is wrong with an
    added model is said in the catalog, and the others are served. What a `former` catalog of the same
    settings has built of the same items is taken over from there.
    """
    kept = former.list_reusable(settings, added) if former is not None else {}
    stated, settings = settings, _with_credentials(settings, added)
    now_nanos = clock.now_nanos()

    def build(entry: ModelEntry, own: Settings, lent: Mapping[str, str]) -> BuiltDeployment:
        return _build(entry, own, price_book, lent, now_nanos=now_nanos)

    configured = _build_all(settings, build, environ, kept)
    from_database = build_added(added, configured, build, settings, environ, kept)
    built = configured | from_database.built
    templates: dict[str, list[Template]] = {}
    groups: dict[str, list[BuiltDeployment]] = {}
    for entry, one in built.values():
        if "*" in entry.model_name:
            templates.setdefault(entry.model_name, []).append(Template(entry, one.deployment.id))
        else:
            groups.setdefault(entry.model_name, []).append(one)
    frozen = {name: tuple(members) for name, members in templates.items()}
    deployments = {identifier: one for identifier, (_, one) in built.items()}
    by_name = {name: _group(name, members) for name, members in groups.items()}
    return Catalog(
        Contents(
            settings=stated,
            book=price_book,
            clock=clock,
            built=deployments,
            groups=by_name,
            team_models=build_team_models(by_name),
            expansions=Expansions(build_wildcards(frozen), frozen, settings, price_book, environ),
            aliases=settings.router.model_group_alias,
            hidden_aliases=settings.router.hidden_aliases,
            entries={identifier: entry for identifier, (entry, _) in built.items()},
            added=added,
            faults=from_database.faults,
            configured=frozenset(configured),
            notices=_notices(settings, deployments, frozen),
        )
    )


def try_model(
    entry: ModelEntry,
    settings: Settings,
    price_book: PriceBook,
    environ: Mapping[str, str],
    *,
    is_tenants: bool,
    now_nanos: int,
) -> Deployment:
    """Build the deployment that a model of the database would have; raises ConfigError."""

    def build(one: ModelEntry, own: Settings, lent: Mapping[str, str]) -> BuiltDeployment:
        return _build(one, own, price_book, lent, now_nanos=now_nanos)

    return build_one(entry, build, settings, environ, is_tenants=is_tenants).deployment


def _with_credentials(settings: Settings, added: AddedModels) -> Settings:
    """The credentials of both places; the database's win, as in LiteLLM."""
    if not added.credentials:
        return settings
    return msgspec.structs.replace(settings, credentials={**settings.credentials, **added.credentials})


def _build_all(
    settings: Settings, build: Build, environ: Mapping[str, str], kept: Mapping[int, BuiltDeployment]
) -> dict[str, tuple[ModelEntry, BuiltDeployment]]:
    """Every item with its deployment, by the deployment's id."""
    faults = Faults()
    built: dict[str, tuple[ModelEntry, BuiltDeployment]] = {}
    for entry in settings.models:
        if _waits_for_credential(entry, settings):
            continue
        try:
            one = kept.get(id(entry)) or _with_own_id(build(entry, settings, environ), entry, built)
        except ConfigError as error:
            faults.add(error.at(entry.file, entry.line_of(error.path)) if entry.file else error)
        else:
            built[one.deployment.id] = (entry, one)
    faults.refuse()
    return built


def _waits_for_credential(entry: ModelEntry, settings: Settings) -> bool:
    """Whether the database may have, some day, the credential that an item names; a notice has said so."""
    name = entry.litellm_params.get("litellm_credential_name")
    return settings.general.store_model_in_db and name is not None and str(name) not in settings.credentials


def _group(name: str, members: list[BuiltDeployment]) -> ModelGroup:
    return ModelGroup(name, tuple(one.deployment for one in members))


def _build(
    entry: ModelEntry, settings: Settings, book: PriceBook, environ: Mapping[str, str], *, now_nanos: int
) -> BuiltDeployment:
    """Build an item; `model: "*"` has no provider until somebody asks for a name."""
    if not _takes_any_provider(entry):
        return build_deployment(entry, settings, book, environ, now_nanos=now_nanos)
    model = str(entry.litellm_params["model"])
    stand_in = msgspec.structs.replace(
        entry, litellm_params={**entry.litellm_params, "model": f"{MOCK}/{model}"}
    )
    built = build_deployment(stand_in, settings, book, environ, now_nanos=now_nanos)
    deployment = msgspec.structs.replace(
        built.deployment, id=build_id(entry), provider="*", model=model, api_base="", urls={}
    )
    return msgspec.structs.replace(built, deployment=deployment)


def _takes_any_provider(entry: ModelEntry) -> bool:
    model = str(entry.litellm_params.get("model") or "")
    has_provider = entry.litellm_params.get("custom_llm_provider") is not None
    return "*" in entry.model_name and model.startswith("*") and not has_provider


def _with_own_id(built: BuiltDeployment, entry: ModelEntry, taken: Container[str]) -> BuiltDeployment:
    """Tell equal items apart by a number; two with one configured id are a mistake."""
    identifier = built.deployment.id
    if identifier not in taken:
        return built
    if entry.model_info.get("id") is not None:
        message = f"'{identifier}' is the id of another deployment too."
        path = f"{entry.key_path}.model_info.id" if entry.key_path else "model_info.id"
        raise ConfigError(message, path=path)
    number = 2
    while f"{identifier}-{number}" in taken:
        number += 1
    deployment = msgspec.structs.replace(built.deployment, id=f"{identifier}-{number}")
    return msgspec.structs.replace(built, deployment=deployment)


def _notices(
    settings: Settings, built: Mapping[str, BuiltDeployment], templates: Mapping[str, tuple[Template, ...]]
) -> tuple[SettingsNotice, ...]:
    found = [notice for one in built.values() for notice in one.notices]
    found += (_unpriced(one.deployment) for one in built.values() if _lacks_price(one.deployment))
    names = {one.deployment.group for one in built.values()}
    wildcards = build_wildcards(templates)
    for alias, target in settings.router.model_group_alias.items():
        if target not in names and not any(one.pattern.fullmatch(target) for one in wildcards):
            path = f"router_settings.model_group_alias.{alias}"
            found.append(SettingsNotice(path, f"stands for '{target}', which no model has as its name."))
    return tuple(found)


def _lacks_price(deployment: Deployment) -> bool:
    is_known = deployment.price is not None or "*" in deployment.model
    return not (is_known or deployment.provider == MOCK or deployment.provider in LOCAL_PROVIDERS)


def _unpriced(deployment: Deployment) -> SettingsNotice:
    message = (
        f"no price is known for '{deployment.provider}/{deployment.model}', so its calls are recorded as "
        "unpriced. Set input_cost_per_token and output_cost_per_token, or model_info.base_model."
    )
    return SettingsNotice(f"model_list.{deployment.group}", message)
