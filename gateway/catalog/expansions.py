"""Deployments behind names with `*`: made when somebody asks for a name, and kept within a bound."""

from collections.abc import Mapping

import msgspec

from gateway.catalog.deployments import BuiltDeployment, build_deployment
from gateway.catalog.price_book import PriceBook
from gateway.catalog.providers import LOCAL_PROVIDERS, MOCK
from gateway.catalog.wildcards import Wildcard, fill_in, find_wildcard
from gateway.domain import Deployment, ModelGroup
from gateway.errors import ConfigError
from gateway.settings import ModelEntry, Settings

__all__ = ["Expansion", "Expansions", "Template"]

_MAXIMUM_NAME_LENGTH = 256
_MAXIMUM_EXPANSIONS = 1024
"""How many names are kept, at about 2 KB; callers choose them, so there must be a bound."""


class Template(msgspec.Struct, frozen=True):
    """An item of `model_list` whose name has a `*`, and the id of all its deployments."""

    entry: ModelEntry
    id: str


class Expansion(msgspec.Struct, frozen=True):
    """What one name of a wildcard came to."""

    group: ModelGroup
    built: tuple[BuiltDeployment, ...]


class Expansions:
    """Finds the wildcard that covers a name and builds its deployments, once per name."""

    def __init__(
        self,
        wildcards: tuple[Wildcard, ...],
        templates: Mapping[str, tuple[Template, ...]],
        settings: Settings,
        book: PriceBook,
        environ: Mapping[str, str],
    ) -> None:
        self.wildcards = wildcards
        self._templates = templates
        self._settings = settings
        self._book = book
        self._environ = environ
        self._kept: dict[str, Expansion] = {}

    def find(self, name: str, now_nanos: int) -> ModelGroup | None:
        """The deployments of a name; None when no wildcard covers it, or its provider stays unknown."""
        kept = self._kept.get(name)
        if kept is None:
            kept = self._build(name, now_nanos)
            if kept is None:
                return None
            if len(self._kept) >= _MAXIMUM_EXPANSIONS:
                self._kept.pop(next(iter(self._kept)))
            self._kept[name] = kept
        return kept.group

    def find_built(self, name: str, deployment_id: str) -> BuiltDeployment | None:
        """How a deployment of a name was built, while it is kept."""
        kept = self._kept.get(name)
        built = kept.built if kept is not None else ()
        return next((one for one in built if one.deployment.id == deployment_id), None)

    def _build(self, name: str, now_nanos: int) -> Expansion | None:
        found = find_wildcard(self.wildcards, name) if len(name) <= _MAXIMUM_NAME_LENGTH else None
        if found is None:
            return None
        wildcard, texts = found
        templates = self._templates[wildcard.name]
        built = [self._fill_in(template, name, texts, now_nanos) for template in templates]
        usable = tuple(one for one in built if one is not None)
        if not usable:
            return None
        return Expansion(ModelGroup(name, tuple(one.deployment for one in usable)), usable)

    def _fill_in(
        self, template: Template, name: str, texts: tuple[str, ...], now_nanos: int
    ) -> BuiltDeployment | None:
        """Build one deployment; None when the name leads to no provider that the caller may choose."""
        entry = template.entry
        model = str(entry.litellm_params["model"])
        params = {**entry.litellm_params, "model": fill_in(model, texts)}
        filled = msgspec.structs.replace(entry, model_name=name, litellm_params=params)
        try:
            built = build_deployment(filled, self._settings, self._book, self._environ, now_nanos=now_nanos)
        except ConfigError:
            return None
        if model.startswith("*") and not _may_be_chosen(built.deployment, entry.litellm_params):
            return None
        deployment = msgspec.structs.replace(built.deployment, id=template.id)
        return msgspec.structs.replace(built, deployment=deployment)


def _may_be_chosen(deployment: Deployment, params: Mapping[str, object]) -> bool:
    """Whether a caller may lead `model: "*"` to this provider.

    Callers must not reach ports of this machine, providers without a key, or send a key to a provider that
    it was not written for; a configured address takes every model.
    """
    if params.get("custom_llm_provider") is not None or params.get("api_base") or params.get("base_url"):
        return True
    if deployment.provider == MOCK or deployment.provider in LOCAL_PROVIDERS:
        return False
    if params.get("api_key") is not None or params.get("litellm_credential_name") is not None:
        return deployment.provider == "openai"
    return bool(deployment.headers)
