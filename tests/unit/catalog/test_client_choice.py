from collections.abc import Mapping

import pytest

from gateway.catalog.builder import build_catalog
from gateway.catalog.client_choice import follow_choice
from gateway.catalog.price_book import PriceBook
from gateway.domain import ChosenBy, ClientChoice, Endpoint, ModelGroup, OnDisconnect, Secret
from gateway.errors import BannedParameter, ConfigError
from gateway.settings import GeneralSettings, ModelEntry, Settings

OURS = {
    "model": "openai/gpt-4o",
    "api_key": "sk-ours",
    "organization": "org-ours",
    "extra_headers": {"x-route": "ours"},
    "temperature": 0.5,
}
MINE = ClientChoice(Secret("sk-mine"), None)
ELSEWHERE = ClientChoice(Secret("sk-mine"), "https://mine.example/v1")


def group_of(
    book: PriceBook, settings: Settings, *items: Mapping[str, object], everybody: bool = False
) -> ModelGroup:
    entries = tuple(
        ModelEntry(model_name="m", litellm_params={**OURS, **item}, key_path=f"model_list[{number}]")
        for number, item in enumerate(items)
    )
    general = GeneralSettings(allow_client_side_credentials=everybody)
    told = Settings(environment=settings.environment, models=entries, general=general)
    found = build_catalog(told, book, {}).find("m")
    assert found is not None
    return found


def leave(*names: object) -> dict[str, object]:
    return {"configurable_clientside_auth_params": list(names)}


def revealed(group: ModelGroup) -> dict[str, str]:
    (one,) = group.deployments
    return {name: secret.reveal() for name, secret in one.headers.items()}


def test_a_clients_key_takes_the_place_of_the_operators(price_book: PriceBook, settings: Settings):
    ours = group_of(price_book, settings, leave("api_key"))
    changed = follow_choice(ours, MINE)
    assert revealed(changed) == {"authorization": "Bearer sk-mine", "x-route": "ours"}
    (one,), (before,) = changed.deployments, ours.deployments
    assert (one.urls, one.defaults, one.price) == (before.urls, before.defaults, before.price)
    assert one.id != before.id
    assert one.chosen_by is ChosenBy.CLIENT_KEY


def test_nothing_of_the_operators_goes_to_a_clients_address(price_book: PriceBook, settings: Settings):
    changed = follow_choice(group_of(price_book, settings, leave("api_key", "api_base")), ELSEWHERE)
    assert revealed(changed) == {"authorization": "Bearer sk-mine"}
    (one,) = changed.deployments
    assert one.urls[Endpoint.CHAT] == "https://mine.example/v1/chat/completions"
    assert one.defaults == {}
    assert (one.chosen_by, one.on_disconnect) == (ChosenBy.CLIENT_ADDRESS, OnDisconnect.CANCEL)


def test_a_clients_address_without_a_key_gets_none(price_book: PriceBook, settings: Settings):
    changed = follow_choice(
        group_of(price_book, settings, leave("base_url")), ClientChoice(None, "https://mine.example")
    )
    assert revealed(changed) == {}


def test_azures_addresses_keep_their_version_and_key_header(price_book: PriceBook, settings: Settings):
    item = {
        **leave("api_base", "api_key"),
        "model": "azure/d",
        "api_version": "2025-01-01",
        "api_base": "https://a",
    }
    changed = follow_choice(
        group_of(price_book, settings, item), ClientChoice(Secret("k"), "https://r.openai.azure.com")
    )
    assert revealed(changed) == {"api-key": "k"}
    assert changed.deployments[0].urls[Endpoint.CHAT] == (
        "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-01-01"
    )


@pytest.mark.parametrize(
    ("left", "choice"),
    [
        ([], MINE),
        (["api_base"], MINE),
        (["api_key"], ELSEWHERE),
        (["api_base"], ELSEWHERE),
        (["api_key", {"api_base": "https://other"}], ELSEWHERE),
        (["api_key", {"api_base": "https://mine"}], ELSEWHERE),
        (["api_key", {"api_base": "mine"}], ELSEWHERE),
    ],
)
def test_what_is_not_left_to_clients_is_refused(price_book: PriceBook, settings: Settings, left, choice):
    with pytest.raises(BannedParameter) as caught:
        follow_choice(group_of(price_book, settings, leave(*left)), choice)
    assert caught.value.status == 400
    assert "mine" not in caught.value.message


def test_an_address_has_to_match_one_of_the_patterns_whole(price_book: PriceBook, settings: Settings):
    left = leave("api_key", {"api_base": r"^https://other$"}, {"api_base": r"^https://mine\.example/v[12]$"})
    assert follow_choice(group_of(price_book, settings, left), ELSEWHERE).deployments


def test_only_the_deployments_that_leave_it_to_clients_are_left(price_book: PriceBook, settings: Settings):
    ours = group_of(price_book, settings, {}, leave("api_key"), leave("api_base"))
    changed = follow_choice(ours, MINE)
    assert [one.id for one in changed.deployments] == [f"{ours.deployments[1].id}/client"]


def test_the_operator_can_leave_it_for_every_model(price_book: PriceBook, settings: Settings):
    assert follow_choice(group_of(price_book, settings, {}, everybody=True), ELSEWHERE).deployments
    assert group_of(price_book, settings, {}).deployments[0].client_params is None


@pytest.mark.parametrize(
    "value", ["api_key", ["organization"], [7], [{"api_base": "("}], [{"api_keys": "x"}], {"api_key": True}]
)
def test_what_cannot_be_left_to_clients_is_a_config_error(price_book: PriceBook, settings: Settings, value):
    with pytest.raises(ConfigError) as caught:
        group_of(price_book, settings, {"configurable_clientside_auth_params": value})
    assert caught.value.path == "model_list[0].litellm_params.configurable_clientside_auth_params"
