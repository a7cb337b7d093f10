"""Whatever follows whatever along the links of the document: each answer is described, none is a failure."""

import hypothesis
import pytest

from tests.integration.fuzzing.fuzzed import FuzzedGateway
from tests.integration.fuzzing.walks import walk

pytestmark = pytest.mark.hypothesis

# With the nightly profile the walks are many; they are others every time.
_WALKS = 40 if hypothesis.settings.default.max_examples <= 100 else 3_000


@pytest.mark.parametrize(("who", "done_by_links"), [("operator", 40), ("tenant", 2)])
def test_whatever_follows_is_documented_and_no_failure(
    fuzzed: FuzzedGateway, who: str, done_by_links: int
) -> None:
    seen = walk(fuzzed, as_operator=who == "operator", count=_WALKS)

    assert seen.faults == {}, "\n\n".join(seen.faults.values())
    # Walks on which nothing succeeds would find nothing.
    assert len(seen.done) >= done_by_links, sorted(seen.steps.items())
