"""The profile of a request times functions by name: one that was renamed would be left out of it."""

import pytest
from loadtest.stages import STAGES, Stage


@pytest.mark.parametrize(("name", "target"), STAGES, ids=[target for _, target in STAGES])
def test_stage_is_there(name: str, target: str) -> None:
    assert Stage(name, target).is_there()
