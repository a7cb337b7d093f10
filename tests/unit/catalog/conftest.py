"""Builders of settings and catalogs, and a clock that stands still."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from gateway.catalog import Catalog, PriceBook, build_catalog
from gateway.catalog.price_snapshot import PriceSnapshot
from gateway.settings import Environment, ModelEntry, RouterSettings, Settings


class SettableClock:
    """A clock that shows what it is told."""

    def __init__(self, nanos: int) -> None:
        self.nanos = nanos

    def now_nanos(self) -> int:
        return self.nanos

    def monotonic_nanos(self) -> int:
        return self.nanos


class CatalogBuilder(Protocol):
    def __call__(
        self,
        *models: tuple[str, dict[str, object]],
        environ: Mapping[str, str] | None = None,
        infos: Mapping[str, dict[str, object]] | None = None,
        router: RouterSettings | None = None,
    ) -> Catalog: ...


@pytest.fixture(scope="session")
def price_book() -> PriceBook:
    return PriceBook(PriceSnapshot())


@pytest.fixture
def clock() -> SettableClock:
    """2026-11-21 12:00 UTC."""
    return SettableClock(1_795_262_400 * 1_000_000_000)


@pytest.fixture
def settings() -> Settings:
    return Settings(environment=Environment(data_dir=Path("unused")))


@pytest.fixture
def catalog_of(price_book: PriceBook, settings: Settings, clock: SettableClock) -> CatalogBuilder:
    """Build a catalog from pairs of a name and its litellm_params."""

    def build(
        *models: tuple[str, dict[str, object]],
        environ: Mapping[str, str] | None = None,
        infos: Mapping[str, dict[str, object]] | None = None,
        router: RouterSettings | None = None,
    ) -> Catalog:
        entries = tuple(
            ModelEntry(
                model_name=name,
                litellm_params=params,
                model_info=(infos or {}).get(name, {}),
                key_path=f"model_list[{index}]",
            )
            for index, (name, params) in enumerate(models)
        )
        filled = msgspec.structs.replace(settings, models=entries, router=router or RouterSettings())
        return build_catalog(filled, price_book, environ or {}, clock)

    return build
