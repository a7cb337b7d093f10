"""The catalog: which deployments stand behind a model name, as one immutable snapshot."""

from collections.abc import Iterator, Mapping

import msgspec

from gateway.catalog.added import NOTHING_ADDED, AddedModels
from gateway.catalog.deployments import BuiltDeployment
from gateway.catalog.expansions import Expansions
from gateway.catalog.listing import Listing, list_models
from gateway.catalog.price_book import PriceBook
from gateway.catalog.team_models import NO_TEAM_MODELS, TeamModels, team_of
from gateway.clock import Clock
from gateway.domain import Deployment, ModelGroup, Price
from gateway.settings import ModelEntry, Settings, SettingsNotice

__all__ = ["Catalog", "Contents"]

_MOST_REMEMBERED = 10_000


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What a catalog is made of: the stated `settings`, `built` by id, groups and what aliases stand for.

    `entries` are what the deployments were built from, `added` what the database has, `faults` what is wrong
    with a model of the database; all by id. `configured` are the ids of the configuration's own.
    """

    settings: Settings
    book: PriceBook
    clock: Clock
    built: dict[str, BuiltDeployment]
    groups: dict[str, ModelGroup]
    expansions: Expansions
    aliases: Mapping[str, str]
    hidden_aliases: frozenset[str]
    notices: tuple[SettingsNotice, ...] = ()
    team_models: TeamModels = NO_TEAM_MODELS
    entries: dict[str, ModelEntry] = {}
    added: AddedModels = NOTHING_ADDED
    faults: dict[str, str] = {}
    configured: frozenset[str] = frozenset()


class Catalog:
    """All models of one configuration; a new configuration is a new catalog.

    What callers see never changes. Inside, names covered by wildcards are built when they are first asked
    for, and prices that hold for a time only are looked up again.
    """

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._listings: tuple[Listing, ...] | None = None
        self._renewed: dict[tuple[str, str], Price | None] = {}
        aliased = {alias: contents.groups.get(target) for alias, target in contents.aliases.items()}
        self._free: dict[str, bool] = {}
        self.team_models = contents.team_models
        self.has_guarded_models = any(built.deployment.guardrails for built in contents.built.values())
        self.has_scoped_models = any(team_of(built.deployment) for built in contents.built.values())
        made = contents.team_models.groups
        self._groups = contents.groups | made | {name: group for name, group in aliased.items() if group}

    @property
    def notices(self) -> tuple[SettingsNotice, ...]:
        """What the operator should know about the models: missing keys, prices and alias targets."""
        return self._contents.notices

    @property
    def aliases(self) -> Mapping[str, str]:
        """The operator's other names of models (`model_group_alias`), and the names that they stand for."""
        return self._contents.aliases

    @property
    def price_book(self) -> PriceBook:
        """What the prices were asked of."""
        return self._contents.book

    def list_reusable(self, settings: Settings, added: AddedModels) -> dict[int, BuiltDeployment]:
        """What a catalog of these settings can take over, by the identities of the entries it was built of.

        With other settings or credentials that is nothing, for any item may refer to them.
        """
        contents = self._contents
        if contents.settings is not settings or contents.added.credentials != added.credentials:
            return {}
        return {id(entry): contents.built[identifier] for identifier, entry in contents.entries.items()}

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong with models of the database, by their ids."""
        return self._contents.faults

    @property
    def configured_ids(self) -> frozenset[str]:
        """The ids of the configuration's own models."""
        return self._contents.configured

    def listings(self) -> tuple[Listing, ...]:
        """Every model as it was written, those of the database that are not served too; built once."""
        if self._listings is None:
            contents = self._contents
            self._listings = list_models(
                contents.entries, contents.built, contents.added, contents.faults, contents.configured
            )
        return self._listings

    def find(self, name: str) -> ModelGroup | None:
        """The deployments behind a name: an alias, a configured name, or one that a wildcard covers."""
        group = self._groups.get(name)
        if group is not None or not self._contents.expansions.wildcards:
            return group
        target = self._contents.aliases.get(name, name)
        return self._contents.expansions.find(target, self._contents.clock.now_nanos())

    def names(self) -> tuple[str, ...]:
        """The names that every caller may use, sorted, without wildcards and hidden aliases."""
        names = {*self._contents.groups, *self._contents.aliases}
        return tuple(sorted(names - self._contents.hidden_aliases - self.team_models.teams.keys()))

    def is_free(self, name: str, now_nanos: int) -> bool:
        """Whether nothing that any deployment of a name does costs anything; an unknown price is no such."""
        found = self._free.get(name)
        return self._find_free(name, now_nanos) if found is None else found

    def _find_free(self, name: str, now_nanos: int) -> bool:
        group = self.find(name)
        prices = [self.price_of(one, now_nanos) for one in group.deployments] if group else [None]
        is_free = all(price is not None and price.is_free for price in prices)
        # A price that holds for a time only is asked anew.
        if all(price is None or price.valid_until_nanos is None for price in prices):
            if len(self._free) >= _MOST_REMEMBERED:
                self._free.clear()
            self._free[name] = is_free
        return is_free

    def wildcard_names(self) -> tuple[str, ...]:
        """The configured names with `*`, the most specific first."""
        return tuple(wildcard.name for wildcard in self._contents.expansions.wildcards)

    def deployments(self) -> tuple[Deployment, ...]:
        """Every configured deployment of an exact name, in the configuration's order."""
        return tuple(one for one in self._configured() if "*" not in one.group)

    def wildcard_deployments(self) -> tuple[Deployment, ...]:
        """The deployments of names with `*` as they are written: not to be called before a name is asked for.

        One whose model is `*` has `*` as its provider too, and no addresses.
        """
        return tuple(one for one in self._configured() if "*" in one.group)

    def find_deployment(self, deployment_id: str) -> Deployment | None:
        """The configured deployment with an id."""
        built = self._contents.built.get(deployment_id)
        return built.deployment if built is not None else None

    def price_of(self, deployment: Deployment, now_nanos: int) -> Price | None:
        """A deployment's price at a moment (nanoseconds since 1970); None when no price is known.

        A price that holds for a time only (an announced change, hours of the day) is looked up again once
        its time is over.
        """
        price = deployment.price
        # Spelled out, as it is asked for every request and nearly every price holds for good.
        if price is None or price.valid_until_nanos is None or now_nanos < price.valid_until_nanos:
            return price
        key = deployment.id, deployment.model
        if key in self._renewed and _holds(self._renewed[key], now_nanos):
            return self._renewed[key]
        built = self._contents.expansions.find_built(deployment.group, deployment.id)
        built = built or self._contents.built.get(deployment.id)
        if built is None or built.deployment.model != deployment.model:
            return deployment.price
        self._renewed[key] = self._contents.book.quote(built.query, now_nanos).price
        return self._renewed[key]

    def deprecation_of(self, deployment: Deployment) -> str | None:
        """When the provider stops serving a deployment's model, as its settings or the price file say it."""
        stated = deployment.model_info.get("deprecation_date")
        if isinstance(stated, str) and stated:
            return stated
        built = self._contents.built.get(deployment.id)
        return None if built is None else self._contents.book.quote(built.query, 0).deprecation_date

    def _configured(self) -> Iterator[Deployment]:
        return (built.deployment for built in self._contents.built.values())


def _holds(price: Price | None, now_nanos: int) -> bool:
    return price is None or price.valid_until_nanos is None or now_nanos < price.valid_until_nanos
