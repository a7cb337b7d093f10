import pytest

from gateway.domain import Secret
from gateway.identity.login.sso.errand import Errand, ErrandSeal, is_own_path, new_errand
from gateway.identity.login.terminals import Confirmation
from gateway.testing import FakeClock

MASTER = Secret("sk-the-master-key-of-the-tests")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_an_errand_is_opened_by_whoever_has_the_same_master_key(clock):
    errand = new_errand("/docs", "cli-1")

    assert ErrandSeal(MASTER, clock).open(ErrandSeal(MASTER, clock).close(errand), Errand) == errand


def test_an_errand_of_another_key_or_kind_or_time_is_none(clock):
    seal = ErrandSeal(MASTER, clock)
    sealed = seal.close(new_errand("/"))

    assert ErrandSeal(Secret("sk-another-master-key"), clock).open(sealed, Errand) is None
    assert seal.open(sealed, Confirmation) is None
    assert seal.open(seal.close(Confirmation(terminal="t", user_id="u")), Errand) is None
    clock.advance(601)
    assert seal.open(sealed, Errand) is None


@pytest.mark.parametrize("sealed", ["", "x", "\u00e9", "gAAAAA==", "a" * 10_000])
def test_what_was_never_sealed_is_none(sealed, clock):
    assert ErrandSeal(MASTER, clock).open(sealed, Errand) is None


def test_errands_have_nothing_in_common():
    first, second = new_errand("/"), new_errand("/")

    assert len({first.state, first.nonce, first.verifier, second.state, second.nonce, second.verifier}) == 6


def test_the_challenge_is_that_of_the_rfc():
    errand = Errand(state="s", nonce="n", verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")

    assert errand.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize("path", ["/", "/ui/?login=success", "/a%20b"])
def test_a_path_of_ours_is_kept(path):
    assert is_own_path(path)


@pytest.mark.parametrize(
    "path", ["", "ui", "//evil", "/\\evil", "https://evil", "/a b", "/a\nb", "/\u00e9", "/" + "a" * 2_048]
)
def test_another_is_not(path):
    assert not is_own_path(path)
