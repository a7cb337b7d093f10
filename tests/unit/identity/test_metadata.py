import pytest

from gateway.identity.metadata import is_kept_away, merge_metadata

STORED = {"mine": 1, "tags": ["t"], "team_member_budget_id": "b"}


@pytest.mark.parametrize(
    ("sent", "merged"),
    [
        ({"rpm_limit": 1}, None),
        ({"tags": ["u"]}, STORED | {"tags": ["u"]}),
        ({"tags": None}, {"mine": 1, "team_member_budget_id": "b"}),
        ({"metadata": {"new": 1}}, {"new": 1, "team_member_budget_id": "b"}),
        ({"metadata": None}, {"team_member_budget_id": "b"}),
        ({"metadata": {"new": 1}, "tags": ["u"]}, {"new": 1, "tags": ["u"], "team_member_budget_id": "b"}),
        ({"metadata": {"team_member_budget_id": "other"}}, {"team_member_budget_id": "b"}),
    ],
)
def test_what_the_column_becomes(sent, merged):
    assert merge_metadata(STORED, sent, ("tags",), always_keep=("team_member_budget_id",)) == merged


def test_what_admission_reads_is_not_everybodys():
    assert is_kept_away("tags")
    assert is_kept_away("_private")
    assert not is_kept_away("mine")
