"""The guardrail `pii`: what it finds in the corpus, and what it does with it."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gateway_guardrails.entities import ENTITIES
from gateway_guardrails.finder import Finder
from gateway_guardrails.pii import Pii, PiiParams
from hypothesis import given
from hypothesis import strategies as st

from gateway.sdk import Content, Direction, GuardrailCall, Piece
from gateway.testing import edit_texts, inspect_texts
from tests.plugins.guardrails.make_corpus import CORPUS, make_cases

CASES = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
FINDER = Finder(list(ENTITIES.values()))
PAGE = Path(__file__).parents[3] / "docs" / "guardrails.md"


def build(**params: Any) -> Pii:
    return Pii(msgspec.convert(params, PiiParams))


def findings(text: str) -> Counter[tuple[str, str]]:
    return Counter((found.name, text[found.start : found.end]) for found in FINDER.find(text))


def test_the_corpus_is_what_its_program_makes() -> None:
    assert list(make_cases()) == CASES


def test_every_kind_is_in_the_corpus() -> None:
    assert {kind for case in CASES for kind, _ in case["found"]} == set(ENTITIES)
    assert sum(not case["found"] for case in CASES) > 100


def test_precision_and_recall_are_those_that_the_page_states() -> None:
    right = missed = wrong = 0
    for case in CASES:
        wanted, found = Counter(map(tuple, case["found"])), findings(case["text"])
        right += (wanted & found).total()
        missed += (wanted - found).total()
        wrong += (found - wanted).total()
    precision, recall = right / (right + wrong), right / (right + missed)
    stated = f"{len(CASES)} cases: precision {precision:.3f}, recall {recall:.3f}"
    assert stated in PAGE.read_text(encoding="utf-8"), stated


@pytest.mark.parametrize("kind", ENTITIES)
async def test_a_kind_is_masked_and_the_text_around_it_stays(kind: str) -> None:
    case = next(case for case in CASES if case["found"] and case["found"][0][0] == kind)
    value = case["found"][0][1]
    verdict = await inspect_texts(build(pii_entities_config={kind: "MASK"}), case["text"])
    assert edit_texts(verdict, case["text"]) == [case["text"].replace(value, f"<{kind}>")]
    assert (verdict.categories, dict(verdict.masked)) == ((kind,), {kind: 1})


async def test_a_blocked_kind_is_refused_without_being_told() -> None:
    guard = build(pii_entities_config={"EMAIL_ADDRESS": "BLOCK", "US_SSN": "MASK"})
    verdict = await inspect_texts(guard, "a@example.com", guardrail="mine")
    assert verdict.refusal == "The guardrail 'mine' found EMAIL_ADDRESS in messages[0].content."
    assert (await inspect_texts(guard, "078-05-1121")).refusal is None


async def test_stand_ins_are_the_same_in_a_call_and_come_back_in_the_answer() -> None:
    guard = build(pii_entities_config={"EMAIL_ADDRESS": "REPLACE"}, output_parse_pii=True)
    texts, notes = ("a@example.com and b@example.com", "again a@example.com"), dict[str, object]()
    shown = edit_texts(await inspect_texts(guard, *texts, notes=notes), *texts)
    assert shown == ["<EMAIL_ADDRESS_1> and <EMAIL_ADDRESS_2>", "again <EMAIL_ADDRESS_1>"]
    answer = "Mail <EMAIL_ADDRESS_2>, not <EMAIL_ADDRESS_3>"
    verdict = await inspect_texts(guard, answer, direction=Direction.RESPONSE, notes=notes)
    assert edit_texts(verdict, answer) == ["Mail b@example.com, not <EMAIL_ADDRESS_3>"]
    foreign = await inspect_texts(guard, answer, direction=Direction.RESPONSE)
    assert edit_texts(foreign, answer) == [answer]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"pii_entities_config": {"PERSON": "MASK"}}, "there is no entity 'PERSON'; known: EMAIL_ADDRESS"),
        ({"pii_entities_config": {}}, "names nothing"),
        ({"pii_entities_config": {"US_SSN": "HIDE"}}, "Invalid enum value 'HIDE'"),
        ({"presidio_analyzer_api_base": "http://x"}, "unknown field `presidio_analyzer_api_base`"),
    ],
)
def test_parameters_that_would_find_nothing_are_refused(params: dict[str, Any], told: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=told):
        build(**params)


@pytest.mark.hypothesis
@given(st.text(max_size=300))
def test_findings_lie_inside_the_text_and_apart(text: str) -> None:
    end = 0
    for found in FINDER.find(text):
        assert end <= found.start < found.end <= len(text)
        end = found.end


@pytest.mark.parametrize("unit", ["1 ", "a@", "4111 1111 ", "GB82", "1.1.", ":1:", "+1 2", "0x0"])
def test_a_hostile_text_takes_time_in_proportion(unit: str) -> None:
    """Eight times the text takes at most some twenty times as long, and not sixty-four times."""
    guard = build()

    def seconds(characters: int) -> float:
        text = (unit * characters)[:characters]
        content = Content(Direction.REQUEST, (Piece(text),))
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            guard.inspect(content, GuardrailCall(guardrail="g"))
            best = min(best, time.process_time() - began)
        return best

    assert seconds(16_000) < 20 * seconds(2_000) + 0.05
