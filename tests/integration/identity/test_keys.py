import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.db.engine import Database
from gateway.db.notify import ChangeListener
from gateway.domain import Limit, LimitKind, ModelGrant, Principal, Role, Scope, ScopeKind
from gateway.errors import AuthenticationFailed, BadRequest, DatabaseUnavailable, NotFound, PermissionDenied
from gateway.identity.invalidation import CHANNEL, Invalidation
from gateway.identity.keys.control import KeyControl
from gateway.identity.keys.request import (
    BudgetLimitEntry,
    DeleteKeysRequest,
    GenerateKeyRequest,
    ObjectPermission,
)
from gateway.identity.keys.service import KeyService
from gateway.identity.principals import Principals
from gateway.identity.subject_store import SubjectStore
from gateway.identity.subjects import Subjects
from gateway.ids import hash_token

PERSONAL_KEY = "sk-personal-key-0123456789"
TEAM_KEY = "sk-team-key-0123456789"


class TestGenerating:
    async def test_an_admins_key_is_stored_as_asked_and_authenticates(self, keys, admin, principals) -> None:
        answer = await keys.generate(
            admin,
            GenerateKeyRequest(
                key_alias="first",
                models=["gpt-4o"],
                max_budget=1.5,
                rpm_limit=7,
                aliases={"fast": "gpt-4o"},
                metadata={"a": {"b": 1}},
                tags=["x"],
                duration="30d",
                budget_duration="1mo",
                key_type="llm_api",
            ),
        )
        secret = answer["key"]
        assert isinstance(secret, str)
        assert secret.startswith("sk-")
        assert answer["token"] == answer["token_id"] == hash_token(secret)
        assert answer["key_name"] == f"sk-...{secret[-4:]}"
        assert answer["metadata"] == {"a": {"b": 1}, "tags": ["x"]}
        assert answer["tags"] == ["x"]
        assert answer["allowed_routes"] == ["llm_api_routes"]
        assert answer["spend"] == 0.0
        assert answer["expires"] > datetime.now(UTC)
        principal = await principals.find(hash_token(secret))
        assert principal is not None
        assert principal.key_alias == "first"
        assert principal.aliases == {"fast": "gpt-4o"}
        assert {(limit.kind, limit.amount) for limit in principal.limits} == {
            (LimitKind.BUDGET, 1_500_000_000),
            (LimitKind.REQUESTS, 7),
        }
        budget = next(limit for limit in principal.limits if limit.kind is LimitKind.BUDGET)
        assert budget.reset_at_nanos is not None

    async def test_the_secret_is_stored_nowhere(self, keys, admin, database: Database) -> None:
        answer = await keys.generate(admin, GenerateKeyRequest(key="sk-custom-0123456789abc"))
        assert answer["key"] == "sk-custom-0123456789abc"
        row = await database.fetch_row(
            'SELECT t::text AS text FROM "LiteLLM_VerificationToken" t WHERE token = $1', answer["token"]
        )
        assert "sk-custom" not in row["text"]

    async def test_linked_rows_are_made_with_it(self, keys, admin, database: Database) -> None:
        answer = await keys.generate(
            admin,
            GenerateKeyRequest(
                soft_budget=0.5,
                spend=0.25,
                user_id="new-user",
                object_permission=ObjectPermission(mcp_servers=["a"], mcp_tool_permissions={"a": ["b"]}),
                budget_limits=[BudgetLimitEntry(budget_duration="1d", max_budget=1)],
            ),
        )
        assert answer["litellm_budget_table"]["soft_budget"] == 0.5
        assert answer["budget_limits"][0]["reset_at"]
        info = (await keys.info(admin, answer["key"]))["info"]
        assert info["object_permission"]["mcp_servers"] == ["a"]
        assert info["object_permission"]["mcp_tool_permissions"] == {"a": ["b"]}
        opened = "SELECT nanos FROM gatewright.opening_balance WHERE entity_type = 'key' AND entity_id = $1"
        assert await database.fetch_value(opened, answer["token"]) == 250_000_000
        role = """SELECT user_role FROM "LiteLLM_UserTable" WHERE user_id = 'new-user'"""
        assert await database.fetch_value(role) == "internal_user"

    async def test_an_alias_is_given_once_even_to_two_at_a_time(self, keys, admin) -> None:
        request = GenerateKeyRequest(key_alias="twice")
        results = await asyncio.gather(
            keys.generate(admin, request), keys.generate(admin, request), return_exceptions=True
        )
        errors = [result for result in results if isinstance(result, BaseException)]
        assert [type(error) for error in errors] == [BadRequest]
        assert errors[0].param == "key_alias"

    async def test_a_value_is_given_once(self, keys, admin) -> None:
        with pytest.raises(BadRequest) as raised:
            await keys.generate(admin, GenerateKeyRequest(key=PERSONAL_KEY))
        assert raised.value.param == "key"
        assert PERSONAL_KEY not in raised.value.message

    @pytest.mark.parametrize(
        ("fields", "error", "param"),
        [
            ({"organization_id": "none"}, BadRequest, "organization_id"),
            ({"budget_id": "none"}, BadRequest, "budget_id"),
            ({"project_id": "none"}, NotFound, "project_id"),
            ({"project_id": "project", "team_id": "closed"}, BadRequest, "project_id"),
        ],
    )
    async def test_references_must_exist(self, keys, admin, fields, error, param) -> None:
        with pytest.raises(error) as raised:
            await keys.generate(admin, GenerateKeyRequest(**fields))
        assert raised.value.param == param

    async def test_an_admin_may_name_a_team_that_does_not_exist(self, keys, admin) -> None:
        assert (await keys.generate(admin, GenerateKeyRequest(team_id="later")))["team_id"] == "later"


class TestGeneratingWithoutBeingAdmin:
    async def test_a_member_makes_keys_for_itself(self, keys, member) -> None:
        answer = await keys.generate(member(), GenerateKeyRequest(models=["gpt-4o"], max_budget=10))
        assert answer["user_id"] == "user"
        assert answer["created_by"] == "user"

    @pytest.mark.parametrize(
        ("fields", "param"),
        [
            ({"user_id": "boss"}, "user_id"),
            ({"max_budget": 10.01}, "max_budget"),
            ({"rpm_limit": 101}, "rpm_limit"),
            ({"models": ["gpt-4o", "gpt-5"]}, "models"),
            ({"models": ["*"]}, "models"),
            ({"allowed_routes": ["/key/delete"]}, "allowed_routes"),
            ({"permissions": {"x": 1}}, "permissions"),
            ({"spend": 1.0}, "spend"),
            ({"organization_id": "org"}, "organization_id"),
            ({"budget_id": "of-key"}, "budget_id"),
            ({"project_id": "project"}, "project_id"),
            ({"access_group_ids": ["g"]}, "access_group_ids"),
            ({"disable_global_guardrails": True}, "disable_global_guardrails"),
            ({"throttle_on_budget_exceeded": True}, "throttle_on_budget_exceeded"),
            ({"object_permission": ObjectPermission(mcp_servers=["a"])}, "object_permission"),
            ({"metadata": {"temp_budget_increase": 100}}, "metadata.temp_budget_increase"),
            ({"metadata": {"tags": ["x"]}}, "metadata.tags"),
        ],
    )
    async def test_no_field_opens_more_than_the_member_has(self, keys, member, fields, param) -> None:
        with pytest.raises(PermissionDenied) as raised:
            await keys.generate(member(), GenerateKeyRequest(**fields))
        assert raised.value.param == param

    async def test_the_limits_of_the_callers_key_pass_on(self, keys, member) -> None:
        key = Scope(ScopeKind.KEY, "hash-of-user")
        caller = member(
            limits=(Limit(scope=key, kind=LimitKind.BUDGET, amount=2_000_000_000),),
            grants=(ModelGrant(key, frozenset({"gpt-4o"})),),
            allowed_routes=("/key/generate",),
        )
        answer = await keys.generate(caller, GenerateKeyRequest())
        assert (answer["max_budget"], answer["models"]) == (2.0, ["gpt-4o"])
        assert answer["allowed_routes"] == ["/key/generate"]
        with pytest.raises(PermissionDenied):
            await keys.generate(caller, GenerateKeyRequest(max_budget=3))

    async def test_team_keys_need_membership_and_the_teams_permission(self, keys, member) -> None:
        assert (await keys.generate(member(), GenerateKeyRequest(team_id="team")))["team_id"] == "team"
        with pytest.raises(AuthenticationFailed) as raised:
            await keys.generate(member(), GenerateKeyRequest(team_id="closed"))
        assert raised.value.type == "team_member_permission_error"
        for team_id in ("team", "nowhere"):
            with pytest.raises(BadRequest):
                await keys.generate(member("stranger"), GenerateKeyRequest(team_id=team_id))

    async def test_a_team_admin_makes_keys_for_members_only(self, keys, member) -> None:
        request = GenerateKeyRequest(team_id="team", user_id="user")
        assert (await keys.generate(member("boss"), request))["user_id"] == "user"
        with pytest.raises(PermissionDenied):
            await keys.generate(member("boss"), GenerateKeyRequest(team_id="team", user_id="stranger"))

    async def test_an_organization_admin_is_admin_of_its_teams(self, keys, member, database) -> None:
        sql = """INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id, user_role)
                 VALUES ('stranger', 'org', 'org_admin')"""
        await database.execute(sql)
        assert (await keys.generate(member("stranger"), GenerateKeyRequest(team_id="team")))["key"]


class TestReading:
    async def test_an_owner_sees_its_key_without_the_token(self, keys, member) -> None:
        answer = await keys.info(member(), PERSONAL_KEY)
        assert answer["key"] == PERSONAL_KEY
        assert answer["info"]["status"] == "active"
        assert "token" not in answer["info"]

    async def test_a_caller_asks_about_itself_by_default(self, keys, member, principals) -> None:
        caller = await principals.find(hash_token(PERSONAL_KEY))
        assert (await keys.info(caller, None))["key"] == hash_token(PERSONAL_KEY)

    async def test_foreign_keys_stay_hidden(self, keys, member) -> None:
        with pytest.raises(PermissionDenied):
            await keys.info(member("stranger"), PERSONAL_KEY)
        assert (await keys.info(member("boss"), TEAM_KEY))["info"]["key_alias"] == "team key"
        viewer = member("viewer", role=Role.PROXY_ADMIN_VIEWER)
        assert (await keys.info(viewer, PERSONAL_KEY))["info"]["user_id"] == "user"

    async def test_a_key_without_a_user_is_not_taken_for_a_member_without_one(
        self, keys, control, database
    ) -> None:
        await database.execute(
            """UPDATE "LiteLLM_TeamTable" SET members_with_roles =
               '[{"user_id": null, "user_email": "a@example.com", "role": "admin"}]'"""
        )
        nobody = Principal(token_hash="hash-of-nobody")
        with pytest.raises(PermissionDenied):
            await keys.info(nobody, TEAM_KEY)
        with pytest.raises(PermissionDenied):
            await control.set_blocked(nobody, TEAM_KEY, is_blocked=True)

    async def test_unknown_keys_are_not_found(self, keys, admin) -> None:
        with pytest.raises(NotFound) as raised:
            await keys.info(admin, "sk-nobody-0123456789")
        assert raised.value.param == "key"


class TestDeletingAndBlocking:
    async def test_a_deleted_key_is_archived_and_still_answered(self, keys, control, admin, database) -> None:
        await keys.generate(
            admin,
            GenerateKeyRequest(
                key="sk-doomed-0123456789abc",
                key_alias="doomed",
                metadata={"x": [1]},
                budget_limits=[BudgetLimitEntry(budget_duration="1d", max_budget=1)],
            ),
        )
        caller = msgspec.structs.replace(admin, changed_by="somebody")
        answer = await control.delete(caller, DeleteKeysRequest(keys=["sk-doomed-0123456789abc"]))
        assert answer == {"deleted_keys": ["sk-doomed-0123456789abc"]}
        info = (await keys.info(admin, "sk-doomed-0123456789abc"))["info"]
        assert (info["status"], info["metadata"], info["key_alias"]) == ("deleted", {"x": [1]}, "doomed")
        assert (info["deleted_by"], info["litellm_changed_by"]) == ("default_user_id", "somebody")

    async def test_keys_are_deleted_all_or_none(self, keys, control, member, admin) -> None:
        with pytest.raises(NotFound):
            await control.delete(admin, DeleteKeysRequest(keys=[PERSONAL_KEY, "sk-unknown"]))
        with pytest.raises(PermissionDenied):
            await control.delete(member("stranger"), DeleteKeysRequest(keys=[PERSONAL_KEY]))
        assert (await keys.info(admin, PERSONAL_KEY))["info"]["status"] == "active"
        await control.delete(member("boss"), DeleteKeysRequest(key_aliases=["team key"]))
        assert (await keys.info(admin, TEAM_KEY))["info"]["status"] == "deleted"

    async def test_only_admins_of_gateway_or_team_block(self, control, member, admin) -> None:
        with pytest.raises(PermissionDenied):
            await control.set_blocked(member(), TEAM_KEY, is_blocked=True)
        row = await control.set_blocked(member("boss"), TEAM_KEY, is_blocked=True)
        assert (row["blocked"], row["token"]) == (True, hash_token(TEAM_KEY))
        assert (await control.set_blocked(admin, hash_token(TEAM_KEY), is_blocked=False))["blocked"] is False
        with pytest.raises(NotFound):
            await control.set_blocked(admin, "sk-unknown", is_blocked=True)


@pytest.fixture
async def informed(database: Database, principals: Principals):
    """A stand-in for another worker: its cache hears of changes, and says so."""
    heard = asyncio.Event()
    invalidation = Invalidation(principals, Subjects(SubjectStore(database), SystemClock()))

    def apply(payload: str) -> None:
        invalidation.apply(payload)
        heard.set()

    listener = ChangeListener(database.options, CHANNEL, apply, invalidation.forget_everything)
    await listener.start()
    yield heard
    await listener.stop()


async def test_other_workers_forget_a_key_as_soon_as_it_is_blocked(
    control: KeyControl, admin, principals: Principals, informed: asyncio.Event
) -> None:
    before = await principals.find(hash_token(PERSONAL_KEY))
    assert before is not None
    assert not before.is_blocked
    await control.set_blocked(admin, PERSONAL_KEY, is_blocked=True)
    await asyncio.wait_for(informed.wait(), 30)
    after = await principals.find(hash_token(PERSONAL_KEY))
    assert after is not None
    assert after.is_blocked


async def test_a_key_that_was_unknown_works_as_soon_as_it_is_made(
    keys: KeyService, admin, principals: Principals, informed: asyncio.Event
) -> None:
    token = hash_token("sk-expected-0123456789")
    assert await principals.find(token) is None
    await keys.generate(admin, GenerateKeyRequest(key="sk-expected-0123456789"))
    await asyncio.wait_for(informed.wait(), 30)
    assert await principals.find(token) is not None


async def test_without_a_database_nothing_is_made(keys: KeyService, admin, database: Database) -> None:
    await database.close()
    with pytest.raises(DatabaseUnavailable):
        await keys.generate(admin, GenerateKeyRequest())
