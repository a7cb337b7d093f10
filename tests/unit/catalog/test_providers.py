from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from gateway.catalog.price_snapshot_writer import SNAPSHOT_PATH
from gateway.catalog.provider_page import render_page
from gateway.catalog.providers import LOCAL_PROVIDERS, PROVIDERS

_PAGE = Path(__file__).parents[3] / "docs" / "providers.md"


def test_the_page_shows_the_current_table() -> None:
    page = _PAGE.read_text(encoding="utf-8")

    assert render_page(page) == page, "run: python -m gateway.catalog.provider_page"


@pytest.mark.parametrize("prefix", sorted(set(PROVIDERS) - LOCAL_PROVIDERS - {"mock"}))
def test_a_hosted_provider_is_reached_over_tls(prefix: str) -> None:
    base = PROVIDERS[prefix].base

    assert base is None or urlsplit(base).scheme == "https"


@pytest.mark.parametrize("prefix", sorted(PROVIDERS))
def test_a_base_address_has_no_trailing_slash_and_keeps_its_suffix(prefix: str) -> None:
    provider = PROVIDERS[prefix]

    assert not (provider.base or "").endswith("/")
    assert provider.is_key_optional or provider.key_variables


def test_every_price_source_exists_in_the_bundled_prices() -> None:
    known = msgspec.json.decode(SNAPSHOT_PATH.read_bytes())["providers"]

    assert {row.price_source for row in PROVIDERS.values() if row.price_source} <= set(known)
