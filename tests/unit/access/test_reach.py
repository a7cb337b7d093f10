import pytest

from gateway.access.reach import default_model_of, find_group, is_in_region
from gateway.catalog import Catalog
from gateway.domain import Deployment, Scope, ScopeKind, Subject
from gateway.errors import ModelAccessDenied
from gateway.testing import make_principal

ANN = Scope(ScopeKind.END_USER, "ann")


def deployment(region: str | None) -> Deployment:
    return Deployment(id="d", group="m", provider="openai", model="m", urls={}, region=region)


@pytest.mark.parametrize(
    ("region", "wanted", "is_inside"),
    [
        ("eu", "eu", True),
        ("EU", "eu", True),
        ("eu-west-1", "eu", True),
        ("europe-west4", "eu", True),
        ("westeurope", "eu", True),
        ("eu-west-2", "eu", False),
        ("europe-west6", "eu", False),
        ("eu-west-2", "eu-west-2", True),
        ("us-east-1", "eu", False),
        ("us-east-1", "us", True),
        ("eastus2", "us", True),
        ("mars-1", "mars-1", True),
        (None, "eu", False),
        ("", "eu", False),
    ],
)
def test_regions_of_deployments(region, wanted, is_inside):
    assert is_in_region(deployment(region), wanted) is is_inside


@pytest.fixture
def catalog(load_catalog) -> Catalog:
    return load_catalog(
        {"model_name": "m", "litellm_params": {"model": "mock/a", "region_name": "eu-west-1"}},
        {"model_name": "m", "litellm_params": {"model": "mock/b", "region_name": "us-east-1"}},
        {"model_name": "far", "litellm_params": {"model": "mock/c", "region_name": "us-east-1"}},
        team_model("x1", "t", "own"),
        team_model("x2", "t", "own"),
        team_model("y1", "u", "own"),
    )


def team_model(name: str, team: str, public: str) -> dict[str, object]:
    return {
        "model_name": name,
        "litellm_params": {"model": f"mock/{name}"},
        "model_info": {"team_id": team, "team_public_model_name": public},
    }


def bound(region: str, default: str | None = None) -> tuple[Subject, ...]:
    return (Subject(scope=ANN, allowed_region=region, default_model=default),)


def models(catalog: Catalog, name: str, *subjects: Subject, team: str | None = None) -> list[str]:
    group = find_group(catalog, name, make_principal(team_id=team), subjects)
    return [] if group is None else [one.model for one in group.deployments]


def test_only_deployments_in_the_region_may_answer(catalog):
    assert models(catalog, "m") == ["a", "b"]
    assert models(catalog, "m", *bound("eu")) == ["a"]
    assert models(catalog, "m", *bound("us")) == ["b"]


def test_a_model_that_is_nowhere_in_the_region_is_refused(catalog):
    with pytest.raises(ModelAccessDenied) as raised:
        models(catalog, "far", *bound("eu"))
    error = raised.value
    assert (error.status, error.type, error.param) == (403, "customer_model_access_denied", "model")
    assert "'far' has no deployment in the region 'eu'" in error.message
    assert models(catalog, "unknown", *bound("eu")) == []


def test_the_default_model_is_for_those_who_are_bound_to_a_region(catalog):
    assert default_model_of(bound("eu", "m")) == "m"
    assert default_model_of((Subject(scope=ANN, default_model="m"),)) is None
    assert default_model_of(()) is None


def test_one_public_name_of_a_team_stands_for_all_its_deployments(catalog):
    name = catalog.team_models.names["t", "own"]
    assert models(catalog, name, team="t") == ["x1", "x2"]
    assert catalog.team_models.names["u", "own"] == "y1"
    assert catalog.team_models.public_names("t") == ["own"]


def test_another_teams_model_does_not_exist(catalog):
    for name in (catalog.team_models.names["t", "own"], "x1"):
        assert models(catalog, name, team="u") == []
        assert models(catalog, name) == []
    assert models(catalog, "own", team="t") == []
    assert catalog.names() == ("far", "m")
