"""The commands of teams, users, models and all else that is managed, as an operator uses them."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from gateway.ids import hash_token
from tests.integration.cli.conftest import Run
from tests.integration.manage.inventory import Served
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
Say = Callable[..., Awaitable[str]]
_SERVED_SECONDS = 10.0


@pytest.fixture
def say(run: Run, live: LiveGateway) -> Say:
    """Runs a command that goes well at the gateway that serves, and returns what it prints."""

    async def invoke(*arguments: str) -> str:
        result = await asyncio.to_thread(run, *arguments, "--url", live.origin)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout.strip()

    return invoke


@pytest.fixture
def mark() -> str:
    """What the names of a test end with: the database is shared."""
    return secrets.token_hex(4)


@pytest_asyncio.fixture(loop_scope="session")
async def stored_models(live: LiveGateway) -> AsyncIterator[None]:
    """No models are stored, and served, afterwards."""
    yield
    await Served(live).empty()


async def until_served(live: LiveGateway, name: str, *, is_served: bool = True) -> None:
    def is_so() -> bool:
        return bool(live.gateway.snapshot.catalog.find(name)) is is_served

    await eventually(is_so, _SERVED_SECONDS)


@pytest.mark.usefixtures("stored_models")
async def test_an_operator_sets_up_a_team_and_reads_what_it_spent(
    say: Say, live: LiveGateway, mark: str
) -> None:
    team, ada, budget, model = (f"{kind}-{mark}" for kind in ("red", "ada", "free", "fast"))
    prices = (f"input_cost_per_token={INPUT_NANOS / 1e9}", f"output_cost_per_token={OUTPUT_NANOS / 1e9}")
    of_model = ("--model", "openai/real-model", "--api-base", live.upstream.base_url)
    of_model += ("--provider-key", "sk-of-the-provider", "--param", prices[0], "--param", prices[1])

    await say("model", "create", model, "--id", f"id-{model}", *of_model, "--info", "mode=chat")
    await say("budget", "create", "--id", budget, "--max-budget", "3", "--budget-duration", "30d")
    await say(
        "team", "create", "--id", team, "--alias", f"Red {mark}", "--max-budget", "5", "--models", model
    )
    await say("user", "create", "--id", ada, "--email", f"{ada}@example.com", "--teams", team)
    key = await say("key", "create", "--team", team, "--user", ada, "--alias", f"key-{mark}")
    await until_served(live, model)
    answer = await live.chat(key, model)
    spent = await live.spent_nanos(key) / 1e9

    assert (answer.status_code, spent > 0) == (200, True)
    for by, thing, name in (
        ("team", team, f"Red {mark}"),
        ("key", hash_token(key), f"key-{mark}"),
        ("user", ada, f"{ada}@example.com"),
    ):
        report = json.loads(await say("spend", "--by", by, "--key", key, "--json"))
        [row] = [row for row in report["rows"] if row["id"] == thing]
        assert (row["name"], row["spend"], row["api_requests"]) == (name, pytest.approx(spent), 1)
        assert report["total_spend"] == pytest.approx(spent)
    table = (await say("spend", "--by", "model", "--key", key)).splitlines()
    assert table[0].split() == ["Name", "Spend", "Requests", "Failed", "Input", "Output"]
    assert table[1].split()[1:4] == [f"{spent:.6f}", "1", "0"]
    assert table[-1].startswith(f"Altogether ${spent:.6f} from ")
    assert json.loads(await say("key", "info", f"key-{mark}"))["spend"] == pytest.approx(spent)
    assert "Altogether $0.000000" in await say(
        "spend", "--key", key, "--from", "2020-01-01", "--to", "2020-01-31"
    )


async def test_teams_are_listed_shown_changed_blocked_and_deleted(
    say: Say, live: LiveGateway, mark: str
) -> None:
    team = await say("team", "create", "--alias", f"Blue {mark}", "--rpm", "7", "--models", "m, n")
    key = await live.make_key(team_id=team)

    table = (await say("team", "list", "--search", f"Blue {mark}")).splitlines()
    assert table[1].split() == [team, "Blue", mark, "-", "0.000000", "-", "no", "m,", "n"]
    assert table[-1] == "Teams: 1; page 1 of 1"
    changed = json.loads(await say("team", "update", team, "--max-budget", "2", "--clear", "rpm_limit"))
    assert (changed["data"]["max_budget"], changed["data"]["rpm_limit"]) == (2, None)
    assert json.loads(await say("team", "info", team))["team_info"]["models"] == ["m", "n"]
    assert await say("team", "block", team) == f"{team} is blocked."
    assert (await live.chat(key)).status_code == 401
    assert await say("team", "unblock", team) == f"{team} is not blocked."
    assert (await live.chat(key)).status_code == 200
    assert await say("team", "delete", team) == "Deleted 1 team."
    assert json.loads(await say("team", "list", "--search", f"Blue {mark}", "--json"))["teams"] == []


async def test_users_are_listed_shown_changed_and_deleted(say: Say, mark: str) -> None:
    role = ("--role", "internal_user_viewer")
    users = [await say("user", "create", "--email", f"{name}@{mark}.example", *role) for name in "ab"]

    page = json.loads(await say("user", "list", "--search", f"{mark}.example", "--size", "1", "--json"))
    assert (page["total"], len(page["users"]), page["users"][0]["key_count"]) == (2, 1, 0)
    changed = json.loads(await say("user", "update", users[0], "--alias", "Al", "--max-budget", "1"))
    assert changed["data"]["max_budget"] == 1
    shown = json.loads(await say("user", "info", users[0]))["user_info"]
    assert (shown["user_alias"], shown["user_role"]) == ("Al", role[1])
    assert await say("user", "delete", *users) == "Deleted 2 users."
    assert (await say("user", "list", "--search", f"{mark}.example")).endswith("Users: 0; page 1 of 1")


@pytest.mark.usefixtures("stored_models")
async def test_models_are_listed_shown_changed_blocked_and_deleted(
    say: Say, live: LiveGateway, mark: str
) -> None:
    name = f"slow-{mark}"
    model = await say("model", "create", name, "--model", "openai/x", "--api-base", live.upstream.base_url)
    await until_served(live, name)

    table = (await say("model", "list", "--search", name)).splitlines()
    assert table[1].split() == [name, "openai/x", model, "yes", "no"]
    changed = json.loads(
        await say("model", "update", model, "--param", "rpm=60", "--provider-key", "sk-secret")
    )
    assert (changed["litellm_params"]["rpm"], changed["model_name"]) == (60, name)
    assert "sk-secret" not in json.dumps(changed)
    assert json.loads(await say("model", "info", model))["data"][0]["litellm_params"]["model"] == "openai/x"
    assert await say("model", "block", model) == f"{model} is blocked."
    assert await say("model", "unblock", model) == f"{model} is not blocked."
    assert await say("model", "delete", model) == "Deleted 1 model."
    await until_served(live, name, is_served=False)


async def test_budgets_are_listed_shown_changed_and_deleted(say: Say, mark: str) -> None:
    budget = await say("budget", "create", "--id", f"b-{mark}", "--max-budget", "1", "--rpm", "9")

    assert json.loads(await say("budget", "list", "--json"))["meta"]["total_count"] >= 1
    assert (await say("budget", "list")).splitlines()[0].split()[:2] == ["Budget", "Dollars"]
    changed = json.loads(await say("budget", "update", budget, "--max-budget", "2", "--clear", "rpm_limit"))
    assert (changed["max_budget"], changed["rpm_limit"]) == (2, None)
    assert json.loads(await say("budget", "info", budget))[0]["max_budget"] == 2
    assert await say("budget", "delete", budget) == "Deleted 1 budget."


async def test_organizations_are_listed_shown_changed_and_deleted(say: Say, mark: str) -> None:
    made = [await say("organization", "create", f"Acme {mark}", "--id", f"{name}-{mark}") for name in "ab"]

    first = (await say("organization", "list", "--alias", mark, "--size", "1")).splitlines()
    assert first[1].split()[:3] == [made[0], "Acme", mark]
    assert first[2:] == ["1 organization.", f"There may be more: --after {made[0]}"]
    rest = await say("organization", "list", "--alias", mark, "--after", made[0], "--json")
    assert [one["organization_id"] for one in json.loads(rest)] == made[1:]
    budget = ("--max-budget", "2", "--models", "m")
    changed = json.loads(await say("organization", "update", made[0], *budget, "--clear", "rpm_limit"))
    assert changed["litellm_budget_table"]["max_budget"] == 2
    assert json.loads(await say("organization", "info", made[0]))["models"] == ["m"]
    assert await say("organization", "delete", *made) == "Deleted 2 organizations."


async def test_customers_are_listed_shown_changed_blocked_and_deleted(
    say: Say, live: LiveGateway, mark: str
) -> None:
    key, name = await live.make_key(), f"customer-{mark}"
    assert await say("customer", "create", name, "--alias", "Shop", "--max-budget", "1") == name

    assert json.loads(await say("customer", "list", "--after", name[:-1], "--size", "1", "--json"))
    assert (await say("customer", "list")).splitlines()[0].split()[:2] == ["Customer", "Alias"]
    changed = json.loads(await say("customer", "update", name, "--max-budget", "2", "--clear", "alias"))
    assert (changed["alias"], changed["litellm_budget_table"]["max_budget"]) == (None, 2)
    assert await say("customer", "block", name) == f"{name} is blocked."
    assert (await live.chat(key, user=name)).status_code == 401
    assert await say("customer", "unblock", name) == f"{name} is not blocked."
    assert json.loads(await say("customer", "info", name))["blocked"] is False
    assert await say("customer", "delete", name) == "Deleted 1 customer."


async def test_tags_are_listed_shown_changed_and_deleted(say: Say, mark: str) -> None:
    name = await say("tag", "create", f"tag-{mark}", "--description", "Of a test", "--max-budget", "1")

    assert (await say("tag", "list", "--after", name[:-1], "--size", "1")).splitlines()[1].split()[0] == name
    changed = json.loads(await say("tag", "update", name, "--max-budget", "2", "--clear", "description"))
    assert changed["tag"]["description"] is None
    assert json.loads(await say("tag", "info", name))[name]["litellm_budget_table"]["max_budget"] == 2
    assert await say("tag", "delete", name) == "Deleted 1 tag."


async def test_members_enter_a_team_are_changed_and_leave_it(say: Say, mark: str) -> None:
    team, email = await say("team", "create", "--id", f"crew-{mark}"), f"bob@{mark}.example"
    crew = ("team", "member")

    added = await say(*crew, "add", team, f"ada-{mark}", "--role", "admin", "--max-budget", "1")
    assert added == f"ada-{mark} is in the team {team}."
    await say(*crew, "add", team, email, "--by-email")
    limits = ("--models", "m", "--rpm", "3", "--clear", "max_budget_in_team")
    changed = json.loads(await say(*crew, "update", team, f"ada-{mark}", *limits))
    assert (changed["allowed_models"], changed["rpm_limit"]) == (["m"], 3)
    assert (changed["max_budget_in_team"], changed["role"]) == (None, "admin")
    assert (
        await say(*crew, "remove", team, email, "--by-email")
        == f"{email} is not in the team {team} any more."
    )
    members = json.loads(await say("team", "info", team))["team_info"]["members_with_roles"]
    assert f"ada-{mark}" in str(members)
    assert email not in str(members)


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "an id that is not there": (("team", "info", "nobody-{mark}"), "nobody-{mark}"),
    "a value that cannot be": (("user", "create", "--max-budget", "-1"), "max_budget"),
    "a limit that would be none": (
        ("team", "create", "--max-budget", "nan"),
        "'max_budget' must be a number",
    ),
    "a key that nobody has": (("team", "list", "--api-key", "sk-wrong"), "Authentication Error"),
    "a budget that is not there": (("budget", "info", "none-{mark}"), "none-{mark}"),
    "a day that is none": (("spend", "--from", "yesterday"), "'start_date' must be a date"),
    "a tag that is not there": (("tag", "info", "none-{mark}"), "No tags found"),
    "a member that is not there": (("team", "member", "remove", "none-{mark}", "x"), "none-{mark}"),
    "a model that could not be served": (("model", "create", "x"), "litellm_params"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused_in_one_sentence_is(case: str, run: Run, live: LiveGateway, mark: str) -> None:
    arguments, text = REFUSED[case]
    named = [argument.format(mark=mark) for argument in arguments]

    result = await asyncio.to_thread(run, *named, "--url", live.origin)

    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (1, "", 1), result.stderr
    assert text.format(mark=mark) in result.stderr


async def test_without_a_server_the_database_is_changed(run: Run, live: LiveGateway, mark: str) -> None:
    """Where clients may come from, and in which header keys are, does not keep the operator out."""
    live.configure(general_settings={"allowed_ips": ["10.0.0.1"], "litellm_key_header_name": "x-own"})
    environ = {"DATABASE_URL": live.environ["DATABASE_URL"]}
    options = ("--config", str(live.folder / "config.yaml"))

    made: Any = await asyncio.to_thread(run, "team", "create", "--id", f"db-{mark}", *options, **environ)

    assert (made.returncode, made.stdout.strip(), made.stderr) == (0, f"db-{mark}", "")
    found = 'SELECT team_id FROM "LiteLLM_TeamTable" WHERE team_id = $1'
    assert await live.gateway.parts.database.fetch_value(found, f"db-{mark}") == f"db-{mark}"
