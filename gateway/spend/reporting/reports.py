"""What reports are made with, built together."""

import msgspec

from gateway.db.engine import Database
from gateway.spend.reporting.reader_store import ReportReader
from gateway.spend.reporting.visibility import Visibility
from gateway.spend.reporting.visibility_store import VisibilityStore

__all__ = ["Reports", "build_reports"]


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """Where reports read, and who may see what."""

    reader: ReportReader
    visibility: Visibility


def build_reports(database: Database) -> Reports:
    """Build both upon one database."""
    return Reports(reader=ReportReader(database), visibility=Visibility(VisibilityStore(database)))
