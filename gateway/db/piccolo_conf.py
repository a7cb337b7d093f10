"""The configuration that Piccolo's command line imports; the gateway itself binds its tables at start."""

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

__all__ = ["APP_REGISTRY", "DB"]

DB: PostgresEngine | None = None  # Which database it is comes from the settings; see `gateway.db`.
APP_REGISTRY = AppRegistry(apps=["gateway.db.piccolo_app"])
