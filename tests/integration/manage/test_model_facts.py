"""Where prices are from, which models end when, and what it costs to leave a cache."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment, write_config

pytestmark = pytest.mark.asyncio(loop_scope="session")

TODAY = datetime.now(UTC).date()


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


class TestSource:
    async def test_prices_come_with_the_release_and_from_the_operators_file(
        self, desk: Desk, live: LiveGateway, tmp_path: Path
    ):
        bundled = await desk.get("/model/cost_map/source")
        assert (bundled["source"], bundled["price_file_model_count"]) == ("local", None)
        assert bundled["model_count"] > 500
        path = write_config(tmp_path / "prices.json", {"openai/x": {"input_cost_per_token": 1e-06}})
        live.configure(deployment("m", live.upstream), gatewright={"price_file": str(path)})
        own = await desk.get("/model/cost_map/source")
        assert (own["price_file_model_count"], own["model_count"]) == (1, bundled["model_count"] + 1)

    async def test_it_is_for_administrators(self, desk: Desk):
        organizer, key = await desk.make_user()
        await desk.get("/model/cost_map/source", key, status=401)
        await desk.make_organization(organizer)
        _, viewer = await desk.make_user("proxy_admin_viewer")
        await desk.get("/model/cost_map/source", viewer)


class TestDeprecations:
    @pytest.mark.parametrize("path", ["/model/deprecations", "/v1/model/deprecations"])
    async def test_models_are_told_by_how_soon_they_end(
        self, desk: Desk, live: LiveGateway, tmp_path: Path, path
    ):
        prices = {"openai/by-file": {"deprecation_date": day(31)}, "openai/odd": {"deprecation_date": "soon"}}
        live.configure(
            deployment("gone", live.upstream, info_deprecation_date=day(-1), info_id="gone-id"),
            deployment("soon", live.upstream, info_deprecation_date=day(30)),
            deployment("file", live.upstream, "openai/by-file"),
            deployment("odd", live.upstream, "openai/odd"),
            deployment("stays", live.upstream),
            gatewright={"price_file": str(write_config(tmp_path / "prices.json", prices))},
        )
        found = await desk.get(path)
        names = {
            kind: [one["model_name"] for one in found[kind]]
            for kind in ("deprecated", "imminent", "upcoming")
        }
        assert names == {"deprecated": ["gone"], "imminent": ["soon"], "upcoming": ["file"]}
        assert found["deprecated"][0] == {
            "model_name": "gone",
            "model_id": "gone-id",
            "litellm_model": "openai/real-model",
            "litellm_provider": "openai",
            "deprecation_date": day(-1),
            "days_until_deprecation": -1,
        }
        assert found["warn_within_days"] == 30
        assert datetime.fromisoformat(found["checked_at"]).date() >= TODAY
        wider = await desk.get(path, warn_within_days=31)
        assert [one["model_name"] for one in wider["imminent"]] == ["soon", "file"]

    async def test_it_is_for_administrators_and_counts_days(self, desk: Desk):
        _, key = await desk.make_user()
        await desk.get("/model/deprecations", key, status=401)
        await desk.get("/model/deprecations", warn_within_days=-1, status=422)
        await desk.get("/model/deprecations", warn_within_days="soon", status=422)


ASKED = {"messages": [{"role": "user", "content": "Say hello " * 100}]}


class TestCachePrediction:
    PATH = "/cost/predict-cache"

    @pytest.fixture
    def places(self, live: LiveGateway) -> None:
        live.configure(
            deployment("a", live.upstream, info_id="a-id", cache_read_input_token_cost=1e-07),
            deployment("b", live.upstream, info_id="b-id", cache_creation_input_token_cost=2e-06),
        )

    async def test_staying_reads_the_cache_and_switching_writes_it(
        self, desk: Desk, live: LiveGateway, places
    ):
        key = await live.make_key()
        body = {"current_deployment_id": "a-id", "candidate_deployment_id": "b-id", "request": ASKED}
        told = await desk.post(self.PATH, body, key)
        tokens = told["stay"]["input_tokens"]
        assert tokens > 200
        assert told["stay"]["cost"] == pytest.approx(tokens * 1e-07)
        assert told["switch"]["cost"] == pytest.approx(tokens * 2e-06)
        assert told["switch_delta"] == pytest.approx(tokens * 1.9e-06)
        assert told["cache_rebuild_penalty"] == pytest.approx(tokens * 1e-06)
        assert (told["cache_guarantee"], told["switch"]["cache_state"]) == (False, "cache_creation")

    async def test_only_what_the_caller_may_use_is_priced(self, desk: Desk, live: LiveGateway, places):
        key = await live.make_key(models=["a"])
        body = {"current_deployment_id": "a-id", "candidate_deployment_id": "b-id", "request": ASKED}
        assert (await desk.refusal(self.PATH, body, key))[::2] == (404, "candidate_deployment_id")
        unknown = body | {"current_deployment_id": "none"}
        assert (await desk.refusal(self.PATH, unknown))[::2] == (404, "current_deployment_id")
        await desk.post(self.PATH, {"request": {}}, status=422)

    async def test_without_a_price_it_is_refused(self, desk: Desk, live: LiveGateway):
        unpriced = {"input_cost_per_token": None, "output_cost_per_token": None}
        live.configure(deployment("a", live.upstream, "openai/nobody-knows", info_id="a-id", **unpriced))
        body = {"current_deployment_id": "a-id", "candidate_deployment_id": "a-id", "request": ASKED}
        assert (await desk.refusal(self.PATH, body))[::2] == (400, "current_deployment_id")


@pytest.mark.parametrize("path", ["/health/liveness", "/health/liveliness", "/health/readiness"])
async def test_checks_of_health_say_which_methods_there_are(desk: Desk, path) -> None:
    answer = await desk.live.http.request("OPTIONS", path)
    assert answer.is_success
    assert set(answer.headers["allow"].split(", ")) >= {"GET", "OPTIONS"}
