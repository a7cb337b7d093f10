"""What the finder of credentials finds in the corpus, kind by kind."""

import json
from collections import Counter
from pathlib import Path

from gateway_guardrails.detectors import DEFAULT_KINDS, KINDS
from gateway_guardrails.secret_finder import SecretFinder

from tests.plugins.guardrails.make_secret_corpus import CORPUS, CUT, hide, make_cases

LINES = CORPUS.read_text(encoding="utf-8").splitlines()
CASES = [json.loads(line.replace(CUT, "")) for line in LINES]
PAGE = Path(__file__).parents[3] / "docs" / "guardrails.md"


def measure(*kinds: str) -> str:
    """Precision and recall for these kinds; what is of others does not count."""
    finder = SecretFinder(kinds)
    right = missed = wrong = 0
    for case in CASES:
        text = case["text"]
        wanted = Counter((kind, value) for kind, value in case["found"] if kind in kinds)
        found = Counter((kind, text[start:end]) for kind, start, end in finder.find(text))
        right += (wanted & found).total()
        missed += (wanted - found).total()
        wrong += (found - wanted).total()
    return f"precision {right / (right + wrong):.3f}, recall {right / (right + missed):.3f}"


def test_the_corpus_is_what_its_program_makes() -> None:
    assert [hide(case) for case in make_cases()] == LINES


def test_every_kind_is_in_the_corpus() -> None:
    assert {kind for case in CASES for kind, _ in case["found"]} == set(KINDS)
    assert sum(not case["found"] for case in CASES) > 200


def test_precision_and_recall_are_those_that_the_page_states() -> None:
    page = PAGE.read_text(encoding="utf-8")
    stated = f"{len(CASES)} cases: {measure(*DEFAULT_KINDS)}"
    assert stated in page, stated
    with_entropy = f"with them {measure(*KINDS)}"
    assert with_entropy in page, with_entropy
