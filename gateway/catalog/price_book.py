"""Where a price comes from: the configuration, then a price file, then the bundled snapshot."""

from collections.abc import Iterator

import msgspec

from gateway.catalog.naming import find_family, find_provider
from gateway.catalog.price_file import FileEntry, PriceFile
from gateway.catalog.price_snapshot import PriceSnapshot, SnapshotPrice
from gateway.catalog.price_terms import NO_TERMS, PriceTerms, build_terms
from gateway.catalog.providers import LOCAL_PROVIDERS, PROVIDERS
from gateway.catalog.rates import Rates, build_price, overlay
from gateway.domain import Price
from gateway.settings import Settings

__all__ = ["PriceBook", "PriceQuery", "Quote", "load_price_book"]


class PriceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: a provider's prefix and its name of the model.

    `base_model` stands in for a name that says nothing (Azure's deployment names). `rates` are what the
    configuration states.
    """

    provider: str
    model: str
    base_model: str | None = None
    rates: Rates = msgspec.field(default_factory=dict[str, tuple[tuple[int, int], ...]])


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A price and the facts that come with it; `price` None means that nobody knows it. Limits are tokens."""

    price: Price | None = None
    mode: str | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    deprecation_date: str | None = None


class PriceBook:
    """Looks prices up. It keeps what it has decoded, so asking for a second model of a provider is cheap."""

    def __init__(
        self, snapshot: PriceSnapshot, file: PriceFile | None = None, terms: PriceTerms = NO_TERMS
    ) -> None:
        self._snapshot = snapshot
        self._file = file
        self._terms = terms

    def with_terms(self, terms: PriceTerms) -> "PriceBook":
        """The same book for other discounts and margins."""
        return self if terms == self._terms else PriceBook(self._snapshot, self._file, terms)

    @property
    def file_count(self) -> int | None:
        """How many models the price file names; None without one."""
        return None if self._file is None else len(self._file)

    @property
    def bundled_release(self) -> str:
        """The release of genai-prices that the bundled prices are of."""
        return self._snapshot.version

    def count_bundled(self) -> int:
        """How many models the bundled prices name; it reads all of them."""
        return self._snapshot.count_models()

    def quote(self, query: PriceQuery, now_nanos: int) -> Quote:
        """The price at a moment (nanoseconds since 1970).

        A configured direction (input or output) replaces that of the other sources; a model whose both
        directions are configured costs exactly that, before discounts and margins.
        """
        entry = self._find_entry(query)
        bundled = self._find_bundled(query, now_nanos)
        price = _price(query.rates, entry, bundled)
        return Quote(
            price=None if price is None else self._terms.apply(price, query.provider),
            mode=entry.mode if entry else None,
            max_input_tokens=(entry.max_input_tokens if entry else None) or _context(bundled),
            max_output_tokens=entry.max_output_tokens if entry else None,
            deprecation_date=entry.deprecation_date if entry else None,
        )

    def _find_entry(self, query: PriceQuery) -> FileEntry | None:
        if self._file is None:
            return None
        if query.base_model is not None:
            return self._file.find((query.base_model, f"{query.provider}/{query.base_model}"))
        entry = self._file.find((f"{query.provider}/{query.model}",))
        if entry is not None:
            return entry
        entry = self._file.find((query.model,))
        return entry if entry is not None and _sells(query.provider, entry.provider) else None

    def _find_bundled(self, query: PriceQuery, now_nanos: int) -> SnapshotPrice | None:
        for source, model in _sources(query):
            found = self._snapshot.find(source, model, now_nanos)
            if found is not None:
                return found
        return None


def load_price_book(settings: Settings) -> PriceBook:
    """The price book of a configuration; raises ConfigError when its price file cannot be used."""
    name, terms = settings.gatewright.price_file, build_terms(settings.litellm)
    if name is None:
        return PriceBook(PriceSnapshot(), terms=terms)
    config = settings.environment.config_path
    path = config.parent / name if config is not None else settings.environment.data_dir / name
    return PriceBook(PriceSnapshot(), PriceFile.load(path), terms)


def _price(stated: Rates, entry: FileEntry | None, bundled: SnapshotPrice | None) -> Price | None:
    if "input" in stated and "output" in stated:
        return build_price(stated, source="config")
    if entry is not None and entry.rates:
        source, below, until = "price_file", entry.rates, None
    elif bundled is not None:
        source, below, until = "genai-prices", bundled.rates, bundled.valid_until_nanos
    else:
        return build_price(stated, source="config")
    return build_price(overlay(stated, below), source="config" if stated else source, valid_until_nanos=until)


def _context(bundled: SnapshotPrice | None) -> int | None:
    return bundled.context_tokens if bundled is not None else None


def _sells(provider: str, stated: str | None) -> bool:
    """Whether a price listed without a prefix is this provider's, going by its `litellm_provider`."""
    row = PROVIDERS.get(provider)
    follows_name = row is not None and not row.price_source and provider not in LOCAL_PROVIDERS
    return stated is None or follows_name or stated.removeprefix("text-completion-") == provider


def _sources(query: PriceQuery) -> Iterator[tuple[str, str]]:
    """The provider names of genai-prices to look in, each with the model's name there."""
    row = PROVIDERS.get(query.provider)
    own = row.price_source if row is not None else ""
    if query.base_model is None:
        yield from _named(own, query.model, is_local=query.provider in LOCAL_PROVIDERS)
        return
    split = find_provider(query.base_model, None, api_base=None)
    if split is not None:
        yield split[0].price_source, split[1]
    yield from _named(own, query.base_model, is_local=False)


def _named(own: str, model: str, *, is_local: bool) -> Iterator[tuple[str, str]]:
    if own:
        yield own, model
    elif not is_local:
        family = find_family(model)
        if family is not None:
            yield family.price_source, model.rpartition("/")[2]
