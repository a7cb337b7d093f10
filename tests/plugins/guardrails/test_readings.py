"""What is seen through: every item of the list in the docs, and that ordinary texts have one reading."""

import base64
import random

import pytest
from gateway_guardrails.keywords import BlockedWord, Keywords, KeywordsParams, WordAction
from gateway_guardrails.pii import Pii, PiiParams
from gateway_guardrails.readings import list_readings
from gateway_guardrails.secret_detection import SecretDetection, SecretDetectionSettings
from hypothesis import given
from hypothesis import strategies as st

from gateway.sdk import Guardrail
from gateway.testing import edit_texts, inspect_texts

SECRET = "AKIA" + "QYLPMN5HHHFPZAM2"
DISGUISES = {
    "full width": "ａｕｒｏｒａ",
    "mathematical": "𝐚𝐮𝐫𝐨𝐫𝐚",
    "circled": "ⓐⓤⓡⓞⓡⓐ",
    "zero width": "au\u200br\u200dora",
    "soft hyphen": "au\u00adrora",
    "direction": "\u202eau\u2066rora\u202c",
    "variation": "a\ufe0furora",
    "tag": "au\U000e0061rora",
    "cyrillic": "аurоrа",
    "greek": "αurοra",
    "upper case": "ΑURORA",
    "percent": "%61%75%72%6f%72%61",
    "percent of cyrillic": "%D0%B0urora",
    "base64": base64.b64encode(b"the aurora project").decode(),
    "base64 for addresses": base64.urlsafe_b64encode("der aurora-Plan für Köln?".encode())
    .decode()
    .rstrip("="),
    "base64 twice": base64.b64encode(base64.b64encode(b"the aurora project")).decode(),
    "base64 of percent": base64.b64encode(b"say %61urora now").decode(),
}
"""By the names that the page docs/guardrails.md has for them."""


def words(action: str) -> Guardrail:
    return Keywords(KeywordsParams((BlockedWord("aurora", WordAction(action)),)))


@pytest.mark.parametrize("name", DISGUISES)
async def test_a_word_in_disguise_is_masked_where_it_stands(name: str) -> None:
    text = f"before {DISGUISES[name]} behind"
    verdict = await inspect_texts(words("MASK"), text)
    (edited,) = edit_texts(verdict, text)
    assert edited in {"before [KEYWORD_REDACTED] behind", "before \u202e[KEYWORD_REDACTED] behind"}
    assert (await inspect_texts(words("BLOCK"), text)).refusal


@pytest.mark.parametrize(
    ("guardrail", "text"),
    [
        (Pii(PiiParams()), "write to аnn@example.com please"),
        (Pii(PiiParams()), "card ４１１１ １１１１ １１１１ １１１１"),
        (Pii(PiiParams()), "card ٤١١١١١١١١١١١١١١١"),
        (Pii(PiiParams()), f"data {base64.b64encode(b'mail ann@example.com now').decode()}"),
        (SecretDetection(SecretDetectionSettings()), f"key {SECRET[:9]}\u200b{SECRET[9:]} here"),
        (
            SecretDetection(SecretDetectionSettings()),
            f"key {base64.b64encode(f'id {SECRET}'.encode()).decode()}",
        ),
        (SecretDetection(SecretDetectionSettings()), f"https://x.example/?k=%41{SECRET[1:]}"),
    ],
)
async def test_personal_data_and_secrets_in_disguise_are_masked(guardrail: Guardrail, text: str) -> None:
    verdict = await inspect_texts(guardrail, text)
    (edited,) = edit_texts(verdict, text)
    assert edited != text
    assert not (await inspect_texts(guardrail, edited)).edits


@pytest.mark.parametrize(
    "text",
    [
        "Ordinary prose, with 43 numbers; and a path /usr/lib/python3.11/site-packages/gateway.",
        "Größere Gruppen trafen sich in der Fußgängerzone – schön!",
        "日本語の文章です。한국어 문장입니다.",
        "100% sure, and 5 % more",
        "sha256 " + "0123456789abcdef" * 4,
        base64.b64encode(bytes(range(200))).decode(),
    ],
)
def test_ordinary_texts_have_one_reading(text: str) -> None:
    assert [reading.text for reading in list_readings(text)] == [text]


@given(st.text(max_size=60))
def test_every_reading_says_where_its_characters_stand(text: str) -> None:
    for reading in list_readings(text):
        for start in range(len(reading.text)):
            place = reading.locate(start, start + 1)
            assert 0 <= place[0] <= place[1] <= len(text)


@pytest.mark.parametrize(
    "text", ["%" * 60_000, "%41" * 20_000, "A" * 60_000, "QUFB" * 15_000, "\u200b" * 60_000]
)
def test_no_text_takes_long(text: str) -> None:
    """Bounded work: what is decoded is no longer than the text, and at most twice."""
    assert sum(len(reading.text) for reading in list_readings(text)) <= 6 * len(text)


def test_cuts_do_not_matter_for_what_is_hidden() -> None:
    chance = random.Random(7)
    for _ in range(200):
        hidden = "".join(sign + "\u200b" * chance.randint(0, 2) for sign in "aurora")
        plain = list_readings(f"x {hidden} y")[-1]
        assert plain.text == "x aurora y"
        start = plain.text.index("aurora")
        place = plain.locate(start, start + 6)
        assert f"x {hidden} y"[place[0] : place[1]] == hidden
