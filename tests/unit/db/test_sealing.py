import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.db.sealing import Seal, UnsealableError
from gateway.domain import Secret

SALT = Secret("sk-salt-of-the-tests-0123456789")
PLAIN = "sk-upstream-ключ"
# Made by LiteLLM's algorithms with fixed nonces: a box in both alphabets of base64, and its newer formats.
GOLDEN = {
    "url-safe": ("yMnKy8zNzs_Q0dLT1NXW19jZ2tvc3d7fVNduPLg29rItZNZ8SfTm0gSxqL9472-uVY97aWuwzY5iX-sx"),
    "standard": "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7fVNduPLg29rItZNZ8SfTm0gSxqL9472+uVY97aWuwzY5iX+sx",
    "v2": "v2:gcm:AAECAwQFBgcICQoLOK9sFryEzUK3KoNEdAcFCzctb-6QG-jS1kn9-5wvp9KUQ3Ei",
    "v3": "v3:gcm:AAECAwQFBgcICQoLYyjxuVtWEz_V2IOVSIkCJZ504qSegbr1OSRp_iHhOcvTGsl1",
}


@pytest.mark.parametrize("form", GOLDEN)
def test_every_format_of_litellm_is_read(form: str) -> None:
    assert Seal(SALT).open(GOLDEN[form]) == PLAIN
    assert Seal(SALT).is_closed(GOLDEN[form])


@pytest.mark.parametrize("form", GOLDEN)
def test_another_key_opens_nothing(form: str) -> None:
    other = Seal(Secret("sk-another-salt-of-the-tests-01"))
    with pytest.raises(UnsealableError, match="another salt key"):
        other.open(GOLDEN[form])
    assert not other.is_closed(GOLDEN[form])


@pytest.mark.parametrize("form", GOLDEN)
def test_a_damaged_value_is_no_text(form: str) -> None:
    damaged = GOLDEN[form][:-8] + "AAAAAAAA"
    with pytest.raises(UnsealableError):
        Seal(SALT).open(damaged)


@pytest.mark.parametrize("damaged", ["v3:gcm:", "v2:gcm:AAAA", "v3:gcm:no base64!"])
def test_a_marked_value_that_is_too_short_is_refused(damaged: str) -> None:
    with pytest.raises(UnsealableError):
        Seal(SALT).open(damaged)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_closed_can_be_opened(text: str) -> None:
    seal = Seal(SALT)
    closed = seal.close(text)
    assert seal.open(closed) == text
    assert closed != seal.close(text), "a nonce is used once"


@pytest.mark.parametrize(
    "plain", ["", "openai/gpt-4o", "os.environ/OPENAI_API_KEY", "https://api.example.com", "abcd"]
)
def test_what_was_never_encrypted_is_taken_as_it_is(plain: str) -> None:
    assert Seal(SALT).open(plain) == plain
    assert not Seal(SALT).is_closed(plain)
