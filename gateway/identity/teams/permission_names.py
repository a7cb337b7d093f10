"""What a team's members can be allowed to do with the keys of their team."""

__all__ = ["AVAILABLE_PERMISSIONS"]

AVAILABLE_PERMISSIONS = (
    *("/key/generate", "/key/service-account/generate", "/key/update", "/key/delete", "/key/regenerate"),
    *("/key/{key_id}/regenerate", "/key/block", "/key/unblock", "/key/bulk_update", "/key/info", "/key/list"),
    *("/key/aliases", "/key/health"),
)
"""The names that the contract knows, each the path of a route."""
