import pytest

from gateway.domain import Scope, ScopeKind
from gateway.identity.principals import Principals
from gateway.identity.rows import KeyColumns, KeyRow, OwnerRow, UserColumns
from gateway.testing import FakeClock

KEY = Scope(ScopeKind.KEY, "hash")


def row(nanos: int) -> KeyRow:
    key = KeyColumns(
        token_hash=KEY.id,
        key_name=None,
        key_alias=None,
        user_id=None,
        team_id=None,
        organization_id=None,
        project_id=None,
        agent_id=None,
        is_blocked=False,
        expires=None,
        revoke_at=None,
        allowed_routes=(),
        aliases={},
    )
    return KeyRow(
        key=key,
        user=UserColumns(),
        owners=(OwnerRow(scope=KEY, name="key"),),
        team_alias=None,
        project_alias=None,
        team_aliases={},
        totals=((KEY, nanos),),
        position=0,
    )


class ChangingSource:
    """A database in which a reset is announced while the key is being read, so many times."""

    def __init__(self, changes: int) -> None:
        self.changes = changes
        self.reads = 0
        self.principals: Principals | None = None

    async def find_key(self, token_hash: str, journal: str) -> KeyRow:
        self.reads += 1
        assert self.principals is not None
        spent = self.changes
        if self.changes:
            self.changes -= 1
            self.principals.drop([KEY])
        return row(spent)


@pytest.mark.parametrize(("changes", "reads", "seeded"), [(0, 1, 0), (1, 2, 0), (9, 3, 7)])
async def test_what_was_read_before_a_change_seeds_nothing(changes: int, reads: int, seeded: int) -> None:
    """However many changes there are, a caller gets an answer."""
    source, seeds = ChangingSource(changes), []
    source.principals = Principals(
        source, FakeClock(), seed=lambda totals, position: seeds.append((totals, position))
    )
    assert await source.principals.find(KEY.id) is not None
    assert source.reads == reads
    assert seeds == [(((KEY, seeded),), 0)]
