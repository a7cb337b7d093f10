"""Cases 80 to 97, tokens of issuers that have an entry: each is found by its number, as `-k "case_92"`.

Settings are read from a configuration, tokens are signed with real keys and verified. `a` and `b` are issuers
with an entry, `g` is the provider of JWT_PUBLIC_KEY_URL, for tokens whose issuer has none.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from gateway.errors import AuthenticationFailed, ConfigError, ServiceUnavailable
from gateway.identity.tokens.claims import Claims
from gateway.identity.tokens.identity import TokenIdentity, read_identity
from gateway.settings import load_settings
from gateway.settings.jwt import ClaimFields, JwtIssuer, JwtSettings
from gateway.upstream.fetching import Fetcher
from tests.oidc import OidcProvider, make_key, sign
from tests.unit.identity.tokens.test_verification import NOW, Bench

Providers = Mapping[str, OidcProvider]
_ANY = {"audience": None, "disable_audience_validation": True}
_NAMED = {"JWT_ISSUER": "https://login.example.com"}
_UNSCOPED = {"JWT_AUDIENCE": ""}
_MARKS: Mapping[str, object] = {
    "_litellm_jwt_issuer": "a",
    "_litellm_team_ids": ["x"],
    "_litellm_user": "boss",
}
_READ_MARKS = {"team_ids_jwt_field": "_litellm_team_ids", "user_id_jwt_field": "_litellm_user"}
_SIGNATURE, _AUDIENCE, _NO_KEY = "Signature verification failed", "Audience", "No matching public key"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A token, and what becomes of it.

    `signer` names whose key it is, and `kid` another name for it; `iss` in `claims` may be the name of a
    provider, and is the signer otherwise. `entry` is what a's entry has beside the address and audience,
    `key_sets` whose sets it names, `general` what stands beside the entries, `environ` what replaces
    variables. `says` is what is read of the token, `refused` the reason where nothing is; `asked` names
    the providers whose keys were read.
    """

    case: int
    what: str
    signer: str = "a"
    kid: str | None = None
    claims: Mapping[str, object] = {}
    entry: Mapping[str, object] = {}
    key_sets: str = "a"
    general: Mapping[str, object] = {}
    environ: Mapping[str, str] = {}
    says: Mapping[str, object] = {}
    refused: str | None = None
    asked: str = "a"


ROWS = (
    Row(case=80, what="the keys of its issuer", says={"issuer": "a"}),
    Row(case=80, what="the keys of another issuer", signer="b", claims={"iss": "a"}, refused=_NO_KEY),
    Row(case=81, what="another audience", claims={"aud": "other"}, refused=_AUDIENCE, asked=""),
    Row(case=81, what="no audience", claims={"aud": None}, refused=_AUDIENCE, asked=""),
    Row(case=81, what="an end that is past", claims={"exp": 1}, refused="expired", asked=""),
    Row(
        case=81,
        what="a signature of another key",
        signer="b",
        kid="a",
        claims={"iss": "a"},
        refused=_SIGNATURE,
    ),
    Row(case=82, what="an issuer without an entry", signer="g", says={"issuer": "g"}, asked="g"),
    Row(
        case=82,
        what="an issuer without an entry, and another's key",
        claims={"iss": "https://elsewhere"},
        refused=_NO_KEY,
        asked="g",
    ),
    Row(
        case=82,
        what="an issuer without an entry, and no general keys",
        signer="g",
        environ={"JWT_PUBLIC_KEY_URL": ""},
        refused="Nobody here trusts",
        asked="",
    ),
    Row(case=86, what="any audience, where that was said", entry=_ANY, claims={"aud": "other"}),
    Row(case=86, what="no audience, where that was said", entry=_ANY, claims={"aud": None}),
    Row(
        case=86,
        what="any audience, and that was said of another",
        entry=_ANY,
        signer="b",
        claims={"aud": "other"},
        refused=_AUDIENCE,
        asked="",
    ),
    Row(
        case=86,
        what="any audience, and that was said of an entry",
        entry=_ANY,
        signer="g",
        claims={"aud": "other"},
        refused=_AUDIENCE,
        asked="",
    ),
    Row(
        case=88,
        what="the general issuer",
        signer="g",
        environ=_NAMED,
        claims={"iss": "https://login.example.com"},
        asked="g",
    ),
    Row(
        case=88, what="not the general issuer", signer="g", environ=_NAMED, refused="Invalid issuer", asked=""
    ),
    Row(
        case=88,
        what="not the general issuer, and no audience",
        signer="g",
        environ={**_NAMED, **_UNSCOPED},
        claims={"aud": None},
        refused="Invalid issuer",
        asked="",
    ),
    Row(
        case=89,
        what="marks of the original, the general way",
        signer="g",
        general=_READ_MARKS,
        claims=_MARKS,
        says={"issuer": "g", "team_ids": (), "user_id": None},
        asked="g",
    ),
    Row(
        case=90,
        what="marks of the original, by an entry",
        entry={"team_id_jwt_field": "team"},
        general=_READ_MARKS,
        claims={**_MARKS, "team": "red"},
        says={"issuer": "a", "team_ids": ("red",), "user_id": None},
    ),
    Row(
        case=91,
        what="mapped claims that are not there",
        entry={"team_id_jwt_field": "team", "org_id_jwt_field": "org.id", "user_id_jwt_field": "uid"},
        says={"team_ids": (), "org_id": None, "user_id": None},
    ),
    Row(
        case=91,
        what="mapped claims that are empty",
        entry={"team_ids_jwt_field": "teams", "org_id_jwt_field": "org", "user_email_jwt_field": "mail"},
        general={"team_ids_jwt_field": "groups"},
        claims={"teams": [], "org": "", "mail": " ", "groups": ["blue"]},
        says={"team_ids": (), "org_id": None, "user_email": None},
    ),
    *(
        Row(
            case=92,
            what=f"teams that are {what}",
            entry={"team_ids_jwt_field": "teams"},
            general={"team_ids_jwt_field": "groups"},
            claims={"teams": teams, "groups": ["blue"]},
            says={"team_ids": (), "lists_teams": False},
        )
        for what, teams in {"an object": {"red": True}, "a number": 7, "true": True}.items()
    ),
    Row(
        case=93,
        what="one team, by an entry",
        entry={"team_id_jwt_field": "team"},
        claims={"team": "red"},
        says={"team_ids": ("red",), "names_team": True},
    ),
    Row(
        case=93,
        what="one team that is a number",
        entry={"team_id_jwt_field": "team"},
        claims={"team": 7},
        says={"team_ids": ("7",)},
    ),
    Row(
        case=93,
        what="one team first, where there is a list too",
        entry={"team_id_jwt_field": "team"},
        general={"team_ids_jwt_field": "groups"},
        claims={"team": "red", "groups": ["blue", "red"]},
        says={"team_ids": ("red", "blue")},
    ),
    Row(case=95, what="a key of the first set", key_sets="ab"),
    Row(case=95, what="a key of the second set", key_sets="ab", signer="b", claims={"iss": "a"}, asked="ab"),
    Row(
        case=97, what="a key that only the general set has", signer="g", claims={"iss": "a"}, refused=_NO_KEY
    ),
    Row(case=97, what="a key that nobody has", kid="unknown", refused=_NO_KEY),
)


@pytest_asyncio.fixture
async def providers() -> AsyncIterator[Providers]:
    async with (
        OidcProvider(make_key("a")) as a,
        OidcProvider(make_key("b")) as b,
        OidcProvider(make_key("g")) as g,
    ):
        yield {"a": a, "b": b, "g": g}


@pytest_asyncio.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    fetcher = Fetcher()
    yield fetcher
    await fetcher.close()


Configure = Callable[[Row], JwtSettings]


@pytest.fixture
def configure(tmp_path: Path, providers: Providers) -> Configure:
    """The settings that a configuration with the entries of a row comes to."""

    def run(row: Row) -> JwtSettings:
        own = {"jwks_url": [providers[name].jwks_url for name in row.key_sets], **row.entry}
        entries = [entry_of(providers["a"], own), entry_of(providers["b"], {})]
        section = {"enable_jwt_auth": True, "litellm_jwtauth": {**row.general, "issuers": entries}}
        path = tmp_path / "config.yaml"
        path.write_text(json.dumps({"general_settings": section}), "utf-8")
        general = {"JWT_PUBLIC_KEY_URL": providers["g"].jwks_url, "JWT_AUDIENCE": "gateway"}
        settings = load_settings(path, {"HOME": str(tmp_path), **general, **row.environ}).jwt
        assert settings is not None
        return settings

    return run


def entry_of(provider: OidcProvider, own: Mapping[str, object]) -> dict[str, object]:
    given = {"issuer": provider.issuer, "jwks_url": provider.jwks_url, "audience": "gateway", **own}
    return {name: value for name, value in given.items() if value is not None}


def token_of(row: Row, providers: Providers) -> str:
    signer = providers[row.signer]
    said: dict[str, object] = {"iss": signer.issuer, "aud": "gateway", "exp": NOW + 3600, **row.claims}
    named = providers.get(str(said["iss"]))
    if named is not None:
        said["iss"] = named.issuer
    claims = {name: value for name, value in said.items() if value is not None}
    return sign(signer.keys[0], claims, kid=row.kid or signer.keys[0].kid)


async def read(bench: Bench, settings: JwtSettings, token: str) -> TokenIdentity:
    verified = await bench.verify(token)
    return read_identity(verified.issuer, verified.claims, verified.fields, settings)


@pytest.mark.parametrize("row", ROWS, ids=[f"case_{row.case}: {row.what}" for row in ROWS])
async def test_a_token_with(row: Row, configure: Configure, providers: Providers, fetcher: Fetcher) -> None:
    settings, token = configure(row), token_of(row, providers)
    bench = Bench(fetcher, settings)

    if row.refused is None:
        identity = await read(bench, settings, token)
        issuers = {name: provider.issuer for name, provider in providers.items()}
        expected = {name: issuers.get(str(value), value) for name, value in row.says.items()}
        assert {name: getattr(identity, name) for name in expected} == expected
    else:
        refusal = await bench.refusal(token)
        assert (type(refusal), refusal.status) == (AuthenticationFailed, 401)
        assert row.refused in refusal.message
    assert "".join(name for name, one in providers.items() if one.requests["/jwks"]) == row.asked


async def test_case_83_an_unscoped_provider_is_told_once_also_beside_entries(
    configure: Configure, providers: Providers, fetcher: Fetcher
) -> None:
    row = Row(case=83, what="any issuer and audience", signer="g", environ=_UNSCOPED)
    with capture_logs() as logs:
        bench = Bench(fetcher, configure(row))
        for audience in ("other", None):
            await bench.verify(providers["g"].token(iss="https://elsewhere", aud=audience))

    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["jwt_unscoped"]


@pytest.mark.parametrize(
    "entry",
    [{"audience": None}, {"disable_audience_validation": True}],
    ids=["case_84: no audience", "case_85: an audience, and none is checked"],
)
def test_refused_at_the_start_is(entry: dict[str, object], configure: Configure) -> None:
    with pytest.raises(ConfigError, match="disable_audience_validation"):
        configure(Row(case=84, what="", entry=entry))


async def test_case_87_an_entry_that_was_made_without_an_audience_takes_no_token(
    providers: Providers, fetcher: Fetcher
) -> None:
    a = providers["a"]
    entry = JwtIssuer(issuer=a.issuer, key_urls=(a.jwks_url,), audience=None, fields=ClaimFields())
    bench = Bench(fetcher, JwtSettings(issuers=(entry,)))

    refusals = [await bench.refusal(a.token(aud=audience)) for audience in ("gateway", None)]

    assert [type(refusal) for refusal in refusals] == [AuthenticationFailed] * 2
    assert a.requests == {}


def test_case_94_claims_that_are_read_stay_as_they_were() -> None:
    given: dict[str, object] = {"teams": ["red"], "realm": {"roles": ["x"]}, "_litellm_team_ids": ["blue"]}
    before = msgspec.json.encode(given)
    fields = ClaimFields(team_ids="teams", roles="realm.roles")

    identity = read_identity("a", Claims(given), fields, JwtSettings())

    assert identity.team_ids == ("red",)
    assert msgspec.json.encode(given) == before


@pytest.mark.parametrize("fault", ["an error", "no JSON"])
async def test_case_95_a_set_that_cannot_be_read_is_told_and_not_passed_over(
    fault: str, configure: Configure, providers: Providers, fetcher: Fetcher
) -> None:
    row = Row(case=95, what="", key_sets="ab", signer="b", claims={"iss": "a"})
    bench = Bench(fetcher, configure(row))
    if fault == "an error":
        providers["a"].status = 500
    else:
        providers["a"].documents["/jwks"] = b"<html>"

    refusal = await bench.refusal(token_of(row, providers))

    assert (type(refusal), refusal.status) == (ServiceUnavailable, 503)
    assert providers["b"].requests == {}


async def test_case_96_without_settings_every_token_is_refused(
    providers: Providers, fetcher: Fetcher
) -> None:
    refusal = await Bench(fetcher, JwtSettings()).refusal(providers["a"].token())

    assert type(refusal) is AuthenticationFailed
    assert "Nobody here trusts" in refusal.message
