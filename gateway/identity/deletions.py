"""Who deleted a row and when, as the archives write it down."""

from datetime import UTC, datetime

import msgspec

from gateway.domain import Principal

__all__ = ["DELETION_COLUMNS", "Deletion", "build_deletion"]


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """The last columns of an archived row; `at` is naive UTC, as the columns are."""

    at: datetime
    by: str | None
    by_api_key: str
    changed_by: str | None

    @property
    def columns(self) -> tuple[object, ...]:
        """The values in the order of `DELETION_COLUMNS`."""
        return self.at, self.by, self.by_api_key, self.changed_by


DELETION_COLUMNS = ("deleted_at", "deleted_by", "deleted_by_api_key", "litellm_changed_by")


def build_deletion(caller: Principal, now: datetime) -> Deletion:
    """What to write down; `now` is aware."""
    at = now.astimezone(UTC).replace(tzinfo=None)
    return Deletion(at=at, by=caller.user_id, by_api_key=caller.token_hash, changed_by=caller.changed_by)
