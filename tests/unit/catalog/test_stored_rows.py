from datetime import UTC, datetime

import msgspec
import pytest

from gateway.catalog import PriceBook, build_catalog
from gateway.catalog.added import NOTHING_ADDED, AddedModels, ModelRow
from gateway.catalog.model_store import CredentialRow, StoredRows
from gateway.catalog.stored_rows import read_rows
from gateway.db.sealing import Seal
from gateway.domain import ChosenBy, Endpoint, OnDisconnect, Secret
from gateway.settings import Credential, ModelEntry, Settings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SEAL = Seal(Secret("sk-salt-of-the-tests-0123456789"))


def row(model_id: str = "id", seal: Seal = SEAL, *, blocked: bool = False, **members: object) -> ModelRow:
    """A row as LiteLLM writes it: every text of the parameters encrypted."""
    info = members.pop("info", {})
    params = {"model": "openai/gpt-4o", "api_key": "sk-stored", **members}
    closed = {name: seal.close(value) if isinstance(value, str) else value for name, value in params.items()}
    return ModelRow(
        model_id=model_id,
        model_name="stored",
        litellm_params=msgspec.json.encode(closed).decode(),
        model_info=msgspec.json.encode(info).decode(),
        is_blocked=blocked,
        created_at=NOW,
        created_by="somebody",
        updated_at=NOW,
        updated_by="somebody",
    )


def credential(**values: str) -> CredentialRow:
    closed = {name: SEAL.close(value) for name, value in values.items()}
    return CredentialRow(
        credential_name="shared",
        credential_values=msgspec.json.encode(closed).decode(),
        credential_info="{}",
        updated_at=NOW,
    )


def read(*rows: ModelRow, credentials: tuple[CredentialRow, ...] = (), **environ: str) -> AddedModels:
    return read_rows(StoredRows(rows, credentials), SEAL, environ, NOTHING_ADDED)


@pytest.fixture
def build(settings: Settings, price_book: PriceBook, clock):
    def build(added: AddedModels, *, own: tuple[ModelEntry, ...] = (), named=(), **environ: str):
        whole = msgspec.structs.replace(settings, models=own, credentials={one.name: one for one in named})
        return build_catalog(whole, price_book, environ, clock, added)

    return build


class TestReading:
    def test_a_row_becomes_a_deployment_with_its_id(self, build):
        catalog = build(read(row("abc", rpm=7, api_base="https://api.example.com/v1")))
        (found,) = catalog.find("stored").deployments
        assert (found.id, found.provider, found.model, found.rpm) == ("abc", "openai", "gpt-4o", 7)
        assert found.headers["authorization"] == Secret("Bearer sk-stored")
        assert found.chosen_by is ChosenBy.OPERATOR

    def test_an_object_within_a_text_is_read_too(self, build):
        one = row("abc")
        twice = msgspec.structs.replace(one, litellm_params=msgspec.json.encode(one.litellm_params).decode())
        assert build(read(twice)).find("stored")

    def test_the_environment_is_looked_up_for_the_operator(self, build):
        catalog = build(read(row(api_key="os.environ/STORED_KEY"), STORED_KEY="sk-env"))
        assert catalog.find("stored").deployments[0].headers["authorization"] == Secret("Bearer sk-env")

    def test_unchanged_rows_are_not_read_again(self):
        rows = StoredRows((row("a"), row("b")), ())
        former = read_rows(rows, SEAL, {}, NOTHING_ADDED)
        changed = StoredRows((rows.models[0], row("b", rpm=1)), ())
        again = read_rows(changed, SEAL, {}, former)
        assert again.models[0] is former.models[0]
        assert again.models[1] is not former.models[1]


class TestReuse:
    def test_what_did_not_change_is_not_built_again(self, settings: Settings, price_book: PriceBook, clock):
        own = ModelEntry(model_name="own", litellm_params={"model": "openai/x", "api_key": "k"})
        whole = msgspec.structs.replace(settings, models=(own,))
        rows = StoredRows((row("a"), row("b")), ())
        added = read_rows(rows, SEAL, {}, NOTHING_ADDED)
        former = build_catalog(whole, price_book, {}, clock, added)
        again = read_rows(StoredRows((rows.models[0], row("b", rpm=1)), ()), SEAL, {}, added)
        catalog = build_catalog(whole, price_book, {}, clock, again, former)

        def same(identifier: str) -> bool:
            return catalog.find_deployment(identifier) is former.find_deployment(identifier)

        assert (same("a"), same("b")) == (True, False)
        assert catalog.find("own").deployments == former.find("own").deployments

    def test_a_credential_refers_to_no_secret_of_the_gateways_own(self):
        added = read(
            credentials=(credential(api_key="os.environ/DATABASE_URL"),), DATABASE_URL="postgresql://x"
        )

        assert "shared" not in added.credentials
        assert "DATABASE_URL" in added.faults["shared"]

    def test_other_credentials_build_everything_anew(self, settings: Settings, price_book: PriceBook, clock):
        stored = row("a", api_key=None, litellm_credential_name="shared")
        added = read(stored, credentials=(credential(api_key="sk-old"),))
        former = build_catalog(settings, price_book, {}, clock, added)
        rows = StoredRows((stored,), (credential(api_key="sk-new"),))
        catalog = build_catalog(settings, price_book, {}, clock, read_rows(rows, SEAL, {}, added), former)
        headers = catalog.find_deployment("a").headers
        assert headers["authorization"] == Secret("Bearer sk-new")


class TestFaults:
    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            (row("bad", Seal(Secret("sk-another"))), 'LiteLLM_ProxyModelTable["bad"].litellm_params.model'),
            (row("bad", api_key="os.environ/NOT_SET"), "litellm_params.api_key"),
            (row("bad", model="nobody-knows-this"), "litellm_params.model"),
            (row("bad", rpm="many"), "litellm_params.rpm"),
            (row("bad", litellm_credential_name="none"), "litellm_credential_name"),
            (row("bad", default_api_key_rpm_limit=1), "default_api_key_rpm_limit"),
            (msgspec.structs.replace(row("bad"), litellm_params="[]"), "litellm_params"),
            (msgspec.structs.replace(row("bad"), model_info='"no"'), "model_info"),
        ],
    )
    def test_a_wrong_row_says_what_is_wrong_and_the_others_are_served(self, build, wrong, said):
        catalog = build(read(wrong, row("good")))
        assert [one.id for one in catalog.find("stored").deployments] == ["good"]
        assert said in catalog.faults["bad"]
        assert "sk-stored" not in catalog.faults["bad"]

    def test_the_configurations_own_id_wins(self, build):
        own = ModelEntry(
            model_name="own",
            litellm_params={"model": "openai/gpt-4o", "api_key": "k"},
            model_info={"id": "same"},
        )
        catalog = build(read(row("same")), own=(own,))
        assert catalog.find("stored") is None
        assert "same id" in catalog.faults["same"]
        assert [(one.name, one.fault != "") for one in catalog.listings()] == [
            ("own", False),
            ("stored", True),
        ]


class TestBlocked:
    @pytest.mark.parametrize("blocked", [row(blocked=True), row(info={"blocked": True})])
    def test_a_blocked_model_is_listed_and_not_served(self, build, blocked):
        catalog = build(read(blocked))
        assert catalog.find("stored") is None
        assert catalog.faults == {}
        (listing,) = catalog.listings()
        assert listing.is_blocked


class TestCredentials:
    def test_a_named_credential_of_the_database_fills_in(self, build):
        added = read(
            row(api_key=None, litellm_credential_name="shared"),
            credentials=(credential(api_key="sk-shared"),),
        )
        catalog = build(added)
        assert catalog.find("stored").deployments[0].headers["authorization"] == Secret("Bearer sk-shared")

    def test_the_databases_wins_over_the_configurations(self, build):
        own = ModelEntry(
            model_name="own", litellm_params={"model": "openai/x", "litellm_credential_name": "shared"}
        )
        named = Credential(name="shared", values={"api_key": Secret("sk-file")})
        catalog = build(read(credentials=(credential(api_key="sk-db"),)), own=(own,), named=(named,))
        assert catalog.find("own").deployments[0].headers["authorization"] == Secret("Bearer sk-db")

    def test_one_that_cannot_be_decrypted_is_named(self):
        wrong = msgspec.structs.replace(credential(), credential_values='{"api_key": "v3:gcm:AAAA"}')
        added = read(credentials=(wrong,))
        assert added.credentials == {}
        assert 'LiteLLM_CredentialsTable["shared"].credential_values.api_key' in added.faults["shared"]


OWN = {"team_id": "t", "team_public_model_name": "public"}


class TestTenants:
    def test_a_teams_model_is_reached_by_the_guarded_client_and_gets_nothing_of_the_operators(self, build):
        added = read(row(info=OWN, api_key=None), credentials=(credential(api_key="sk-shared"),))
        catalog = build(added, OPENAI_API_KEY="sk-operators")
        (found,) = catalog.find("stored").deployments
        assert (found.chosen_by, found.on_disconnect) == (ChosenBy.TENANT, OnDisconnect.CANCEL)
        assert (found.headers, found.client_params) == ({}, None)
        assert catalog.team_models.names == {("t", "public"): "stored"}

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            (row("bad", info=OWN, api_key="os.environ/SECRET"), "environment"),
            (row("bad", info=OWN, litellm_credential_name="shared"), "credential"),
            (row("bad", info=OWN, model="openai/*"), "one model"),
        ],
    )
    def test_what_is_the_operators_is_refused(self, build, wrong, said):
        catalog = build(read(wrong, credentials=(credential(api_key="sk-shared"),), SECRET="s"))
        assert said in catalog.faults["bad"]

    def test_a_teams_model_that_the_operator_wrote_is_the_operators(self, build):
        catalog = build(
            read(row(info={**OWN, "gatewright_author": "operator"}, api_base="http://10.0.0.1:8000/v1"))
        )
        (found,) = catalog.find("stored").deployments
        assert found.chosen_by is ChosenBy.OPERATOR
        assert found.urls[Endpoint.CHAT] == "http://10.0.0.1:8000/v1/chat/completions"
