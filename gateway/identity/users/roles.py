"""What the roles of internal users are, for those who choose one."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["AVAILABLE_ROLES"]

AVAILABLE_ROLES: Mapping[str, dict[str, str]] = MappingProxyType(
    {
        "proxy_admin": {
            "description": "Administers the whole gateway.",
            "ui_label": "Admin (All Permissions)",
        },
        "proxy_admin_viewer": {
            "description": "Sees everything and changes nothing.",
            "ui_label": "Admin (View Only)",
        },
        "internal_user": {
            "description": "Makes, sees and deletes keys of its own, and sees its own spend.",
            "ui_label": "Internal User (Create/Delete/View)",
        },
        "internal_user_viewer": {
            "description": "Sees its own keys and its own spend.",
            "ui_label": "Internal Viewer (View Only)",
        },
    }
)
"""The roles that a user can be given, in the contract's form."""
