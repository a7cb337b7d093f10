"""What a guardrail's own tests look like."""

import pytest
from acme_codenames import Codenames

from gateway.sdk import Direction
from gateway.testing import edit_texts, inspect_texts

GUARD = Codenames(Codenames.Params(names=("Aurora",)))


async def test_names_are_masked_in_requests() -> None:
    verdict = await inspect_texts(GUARD, "about aurora", "nothing here")
    assert edit_texts(verdict, "about aurora", "nothing here") == ["about [PROJECT]", "nothing here"]
    assert verdict.masked == {"codename": 1}


async def test_names_are_refused_in_answers() -> None:
    verdict = await inspect_texts(GUARD, "Aurora ships in May", direction=Direction.RESPONSE)
    assert verdict.refusal == "The answer to you names a secret project."


def test_a_name_longer_than_the_window_stops_the_boot() -> None:
    with pytest.raises(ValueError, match="40"):
        Codenames(Codenames.Params(names=("x" * 41,)))
