"""The terms of which permits are made: who, what, to what."""

from enum import StrEnum

__all__ = ["Action", "Party", "Resource"]


class Party(StrEnum):
    """What a caller is to the resource of a request; a caller is one of them, the one that opens most."""

    PROXY_ADMIN = "proxy_admin"
    PROXY_ADMIN_VIEWER = "proxy_admin_viewer"
    ORGANIZATION_ADMIN = "org_admin"
    """Administers the organization that the resource belongs to."""
    TEAM_ADMIN = "team_admin"
    """Administers the team that the resource is or belongs to."""
    TEAM_MEMBER = "team_member"
    OWNER = "owner"
    """Is the resource, or made it and owns it still."""
    PROVISIONER = "provisioner"
    """The directory that provisions users: a key whose `allowed_routes` have `/scim/`."""
    CALLER = "caller"
    """Has a valid key, and gets what concerns that key or its user."""
    ANYBODY = "anybody"
    """Needs no credential."""


class Action(StrEnum):
    """What a route does; whoever only looks may do READ and nothing else."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    BLOCK = "block"
    RUN = "run"
    """Tries something out, or has the gateway do something now."""


class Resource(StrEnum):
    """What a route is about."""

    ACCESS_GROUP = "access_group"
    AUDIT = "audit"
    AUTHORIZATION = "authorization"
    BOOKS = "books"
    BUDGET = "budget"
    CACHE = "cache"
    CONFIG = "config"
    CREDENTIAL = "credential"
    CUSTOMER = "customer"
    GATEWAY = "gateway"
    GUARDRAIL = "guardrail"
    INVITATION = "invitation"
    JWT_KEY_MAPPING = "jwt_key_mapping"
    KEY = "key"
    LOGIN = "login"
    MCP_CREDENTIAL = "mcp_credential"
    MCP_SERVER = "mcp_server"
    MCP_TOOLSET = "mcp_toolset"
    MODEL = "model"
    NOTIFICATION = "notification"
    ORGANIZATION = "organization"
    POLICY = "policy"
    PROJECT = "project"
    RESPONSE = "response"
    SCIM = "scim"
    SPEND = "spend"
    TAG = "tag"
    TEAM = "team"
    TOOL = "tool"
    USER = "user"
