import json
from pathlib import Path

import msgspec
import pytest

from gateway.catalog.cost_fields import read_rates
from gateway.catalog.price_book import PriceBook, PriceQuery, load_price_book
from gateway.catalog.price_file import PriceFile
from gateway.catalog.price_snapshot import PriceSnapshot
from gateway.domain import Price
from gateway.errors import ConfigError
from gateway.settings import Environment, GatewrightSettings, Settings

_NOW = 1_795_262_400 * 1_000_000_000


@pytest.fixture
def book_with_file(tmp_path: Path) -> PriceBook:
    path = tmp_path / "prices.json"
    entries = {
        "sample_spec": {"input_cost_per_token": "0.0000"},
        "gpt-4o": {
            "litellm_provider": "openai",
            "input_cost_per_token": 1e-6,
            "output_cost_per_token": 2e-6,
            "mode": "chat",
            "max_input_tokens": 1000,
            "max_output_tokens": "200",
            "supports_vision": True,
        },
        "groq/llama": {"litellm_provider": "groq", "input_cost_per_token": 3e-6, "max_tokens": 50},
    }
    path.write_text(json.dumps(entries))
    return PriceBook(PriceSnapshot(), PriceFile.load(path))


def price_of(book: PriceBook, provider: str, model: str, **fields: object) -> Price | None:
    return book.quote(PriceQuery(provider=provider, model=model, rates=read_rates(fields)), _NOW).price


def test_configured_prices_win_over_all_others(book_with_file: PriceBook) -> None:
    price = price_of(
        book_with_file, "openai", "gpt-4o", input_cost_per_token=5e-6, output_cost_per_token="7e-6"
    )

    assert price is not None
    assert price.source == "config"
    assert (price.tiers[0].input, price.tiers[0].output) == (5_000_000_000, 7_000_000_000)
    assert price.tiers[0].cached_input is None


def test_one_configured_direction_leaves_the_other_to_the_next_source(price_book: PriceBook) -> None:
    price = price_of(price_book, "openai", "gpt-4o", input_cost_per_token=0)

    assert price is not None
    assert (price.tiers[0].input, price.tiers[0].cached_input) == (0, None)
    assert price.tiers[0].output == 10_000_000_000


def test_one_configured_part_leaves_its_direction_as_it_is(price_book: PriceBook) -> None:
    price = price_of(price_book, "openai", "gpt-4o", cache_read_input_token_cost=0)

    assert price is not None
    assert (price.tiers[0].input, price.tiers[0].cached_input) == (2_500_000_000, 0)


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "gpt-4o"), ("perplexity", "sonar"), ("groq", "x")]
)
def test_two_configured_zeros_make_a_model_free(price_book: PriceBook, provider: str, model: str) -> None:
    price = price_of(price_book, provider, model, input_cost_per_token=0, output_cost_per_token=0.0)

    assert price is not None
    assert price.is_free


def test_the_file_wins_over_the_bundled_prices(book_with_file: PriceBook) -> None:
    quote = book_with_file.quote(PriceQuery(provider="openai", model="gpt-4o"), _NOW)

    assert quote.price is not None
    assert quote.price.source == "price_file"
    assert quote.price.tiers[0].input == 1_000_000_000
    assert (quote.mode, quote.max_input_tokens, quote.max_output_tokens) == ("chat", 1000, 200)


def test_a_name_without_prefix_is_priced_for_its_own_provider_only(book_with_file: PriceBook) -> None:
    azure = price_of(book_with_file, "azure", "gpt-4o")
    local = price_of(book_with_file, "hosted_vllm", "gpt-4o")
    mock = price_of(book_with_file, "mock", "gpt-4o")

    assert azure is not None
    assert azure.source == "genai-prices"
    assert local is None
    assert mock is not None
    assert mock.source == "price_file"


def test_a_name_with_prefix_is_found_in_the_file(book_with_file: PriceBook) -> None:
    quote = book_with_file.quote(PriceQuery(provider="groq", model="llama"), _NOW)

    assert quote.price is not None
    assert quote.price.tiers[0].input == 3_000_000_000
    assert quote.max_output_tokens == 50


@pytest.mark.parametrize("base_model", ["azure/gpt-4o", "gpt-4o", "openai/gpt-4o"])
def test_a_base_model_stands_in_for_a_name_that_says_nothing(price_book: PriceBook, base_model: str) -> None:
    query = PriceQuery(provider="azure", model="prod", base_model=base_model)

    price = price_book.quote(query, _NOW).price

    assert price is not None
    assert price.tiers[0].input == 2_500_000_000


def test_a_local_model_server_has_no_list_price(price_book: PriceBook) -> None:
    assert price_of(price_book, "ollama", "gpt-4o") is None


def test_the_mock_costs_what_its_namesake_costs(price_book: PriceBook) -> None:
    assert price_of(price_book, "mock", "gpt-4o") == price_of(price_book, "openai", "gpt-4o")
    assert price_of(price_book, "mock", "anything") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "no JSON object"),
        ("{", "no JSON object"),
        ('{"m": 1}', "m: is no object"),
        ('{"m": {"input_cost_per_token": -1}}', "m.input_cost_per_token: must be"),
        ('{"m": {"input_cost_per_token": "x"}}', "m.input_cost_per_token: must be"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_field(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(content)

    with pytest.raises(ConfigError, match=message) as caught:
        PriceFile.load(path)

    assert caught.value.file == str(path)


def test_the_file_stands_beside_the_configuration(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "prices.json").write_text('{"own": {"input_cost_per_token": 1e-6}}')
    filled = msgspec.structs.replace(
        settings,
        environment=Environment(data_dir=Path("unused"), config_path=tmp_path / "config.yaml"),
        gatewright=GatewrightSettings(price_file="prices.json"),
    )

    assert price_of(load_price_book(filled), "openai", "own") is not None


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, settings: Settings) -> None:
    filled = msgspec.structs.replace(settings, gatewright=GatewrightSettings(price_file=str(tmp_path / "x")))

    with pytest.raises(ConfigError, match="cannot be read"):
        load_price_book(filled)
