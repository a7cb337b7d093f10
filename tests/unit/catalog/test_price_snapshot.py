from datetime import UTC, datetime

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Usage as ListedUsage

from gateway.catalog.price_snapshot import PriceSnapshot
from gateway.catalog.price_snapshot_writer import SNAPSHOT_PATH, render_snapshot
from gateway.catalog.pricing import compute_charge
from gateway.catalog.rates import build_price
from gateway.domain import Usage

_MOMENTS = (
    datetime(2025, 1, 1, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 31, 12, tzinfo=UTC),
    datetime(2026, 11, 21, 3, tzinfo=UTC),
    datetime(2027, 2, 1, 23, tzinfo=UTC),
)
_PROVIDERS = ("anthropic", "azure", "cohere", "deepseek", "google", "groq", "mistral", "openai", "x-ai")


def test_the_snapshot_is_that_of_the_locked_genai_prices() -> None:
    shown = SNAPSHOT_PATH.read_text(encoding="utf-8")

    assert shown == render_snapshot(), "run: python -m gateway.catalog.price_snapshot_writer"


def nanos(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


@pytest.mark.parametrize("prompt", [150_000, 300_000])
@pytest.mark.parametrize("source", _PROVIDERS)
def test_text_costs_what_genai_prices_says(source: str, prompt: int) -> None:
    """Every model of a provider, at moments before, at and after announced changes."""
    snapshot = PriceSnapshot()
    provider = next(one for one in get_snapshot().providers if one.id == source)
    usage = Usage(prompt_tokens=prompt, completion_tokens=20_000, cached_tokens=50_000)
    compared = 0
    for model in provider.models:
        if provider.find_model(model.id) is not model:
            continue
        for moment in _MOMENTS:
            stated = {key for key, value in vars(model.get_prices(moment)).items() if value is not None}
            if not stated or stated - {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"}:
                continue
            found = snapshot.find(source, model.id, nanos(moment))
            assert found is not None, model.id
            charge = compute_charge(build_price(found.rates, source="x"), usage)
            listed_usage = ListedUsage(input_tokens=prompt, output_tokens=20_000, cache_read_tokens=50_000)
            wanted = model.calc_price(listed_usage, provider, genai_request_timestamp=moment).total_price
            assert charge.total == round(wanted * 1_000_000_000), (model.id, moment)
            compared += 1
    assert compared > 4


@pytest.mark.parametrize(
    ("source", "name", "is_known"),
    [
        ("openai", "GPT-4o", True),
        ("openai", "gpt-4o-20240806", True),
        ("openai", "gpt-4o-20249999", False),
        ("openai", "no-such-model", False),
        ("no-such-provider", "gpt-4o", False),
        ("azure", "gpt-4o", True),
        ("google", "claude-sonnet-4-5", True),
    ],
)
def test_names_are_matched_as_genai_prices_does(source: str, name: str, *, is_known: bool) -> None:
    assert (PriceSnapshot().find(source, name, 0) is not None) is is_known


def test_a_price_for_some_hours_ends_with_them() -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    found = PriceSnapshot().find("deepseek", "deepseek-chat", nanos(noon))

    assert found is not None
    assert found.valid_until_nanos == nanos(datetime(2026, 11, 21, 16, 30, tzinfo=UTC))


def test_an_announced_price_ends_the_one_before_it() -> None:
    before = datetime(2024, 1, 1, tzinfo=UTC)
    snapshot = PriceSnapshot()
    found = snapshot.find("anthropic", "claude-opus-4-6", nanos(before))

    assert found is not None
    assert found.valid_until_nanos is not None
    after = snapshot.find("anthropic", "claude-opus-4-6", found.valid_until_nanos)
    assert after is not None
    assert after.rates != found.rates
    assert after.valid_until_nanos is None
