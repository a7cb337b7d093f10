"""What Piccolo's migration runner needs to know about the gateway."""

from piccolo.conf.apps import AppConfig

from gateway.db.migrations_folder import MIGRATIONS_FOLDER
from gateway.db.tables import TABLES

__all__ = ["APP_CONFIG"]

APP_CONFIG = AppConfig(
    app_name="gateway",
    migrations_folder_path=str(MIGRATIONS_FOLDER),
    table_classes=list(TABLES),
    migration_dependencies=[],
    commands=[],
)
