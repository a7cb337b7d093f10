"""MCP servers and services with OpenAPI documents that anybody may add: a list to begin with.

They are public offers of those who run them; nobody here answers for them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["KNOWN_APIS", "list_categories", "search_servers"]


class KnownServer(msgspec.Struct, frozen=True):
    """A server: behind an address, or a program with its arguments."""

    name: str
    title: str
    category: str
    description: str
    url: str = ""
    auth_type: str = "none"
    command: str = ""
    args: tuple[str, ...] = ()

    def describe(self) -> Mapping[str, Any]:
        """What is shown of it, in the members that `POST /v1/mcp/server` takes."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "category": self.category,
            "transport": "stdio" if self.command else "http",
            "url": self.url or None,
            "auth_type": self.auth_type,
            "command": self.command or None,
            "args": list(self.args),
        }


_CODE, _DOCUMENTS, _WORK, _MONEY, _DATA, _LOCAL = (
    *("Development", "Documentation", "Work", "Payments", "Data"),
    "Programs",
)
_OAUTH = "oauth2"
_SERVERS = (
    KnownServer(
        "github",
        "GitHub",
        _CODE,
        "Repositories, issues and pull requests.",
        "https://api.githubcopilot.com/mcp/",
        _OAUTH,
    ),
    KnownServer(
        "sentry", "Sentry", _CODE, "Errors of running software.", "https://mcp.sentry.dev/mcp", _OAUTH
    ),
    KnownServer("vercel", "Vercel", _CODE, "Projects and deployments.", "https://mcp.vercel.com", _OAUTH),
    KnownServer(
        "supabase", "Supabase", _DATA, "Databases and their schemas.", "https://mcp.supabase.com/mcp", _OAUTH
    ),
    KnownServer("neon", "Neon", _DATA, "PostgreSQL databases.", "https://mcp.neon.tech/mcp", _OAUTH),
    KnownServer(
        "huggingface", "Hugging Face", _DATA, "Models, data sets and papers.", "https://huggingface.co/mcp"
    ),
    KnownServer(
        "deepwiki",
        "DeepWiki",
        _DOCUMENTS,
        "Questions about public repositories.",
        "https://mcp.deepwiki.com/mcp",
    ),
    KnownServer(
        "microsoft_learn",
        "Microsoft Learn",
        _DOCUMENTS,
        "Microsoft's documentation.",
        "https://learn.microsoft.com/api/mcp",
    ),
    KnownServer(
        "cloudflare_docs",
        "Cloudflare documentation",
        _DOCUMENTS,
        "Cloudflare's documentation.",
        "https://docs.mcp.cloudflare.com/mcp",
    ),
    KnownServer(
        "context7", "Context7", _DOCUMENTS, "Documentation of libraries.", "https://mcp.context7.com/mcp"
    ),
    KnownServer("linear", "Linear", _WORK, "Issues and projects.", "https://mcp.linear.app/mcp", _OAUTH),
    KnownServer(
        "notion", "Notion", _WORK, "Pages and databases of a workspace.", "https://mcp.notion.com/mcp", _OAUTH
    ),
    KnownServer(
        "intercom", "Intercom", _WORK, "Conversations with customers.", "https://mcp.intercom.com/mcp", _OAUTH
    ),
    KnownServer(
        "stripe", "Stripe", _MONEY, "Customers, invoices and payments.", "https://mcp.stripe.com", _OAUTH
    ),
    KnownServer(
        "paypal", "PayPal", _MONEY, "Orders, invoices and payments.", "https://mcp.paypal.com/mcp", _OAUTH
    ),
    KnownServer(
        "filesystem",
        "Files",
        _LOCAL,
        "Files of a folder on the gateway's machine.",
        command="npx",
        args=("-y", "@modelcontextprotocol/server-filesystem", "/srv/shared"),
    ),
    KnownServer(
        "fetch", "Fetch", _LOCAL, "Pages of the web as text.", command="uvx", args=("mcp-server-fetch",)
    ),
    KnownServer(
        "git",
        "Git",
        _LOCAL,
        "A repository on the gateway's machine.",
        command="uvx",
        args=("mcp-server-git",),
    ),
    KnownServer("time", "Time", _LOCAL, "The time, in any zone.", command="uvx", args=("mcp-server-time",)),
)
_GITHUB = "https://raw.githubusercontent.com"
_REST = f"{_GITHUB}/github/rest-api-description/main/descriptions/api.github.com/api.github.com.json"
KNOWN_APIS: tuple[Mapping[str, str], ...] = (
    {
        "name": "github_rest",
        "title": "GitHub REST",
        "description": "Everything that GitHub offers by HTTP.",
        "spec_path": _REST,
        "auth_type": "bearer_token",
    },
    {
        "name": "stripe_rest",
        "title": "Stripe",
        "description": "Everything that Stripe offers by HTTP.",
        "spec_path": f"{_GITHUB}/stripe/openapi/master/openapi/spec3.json",
        "auth_type": "bearer_token",
    },
    {
        "name": "cloudflare_rest",
        "title": "Cloudflare",
        "description": "Everything that Cloudflare offers by HTTP.",
        "spec_path": f"{_GITHUB}/cloudflare/api-schemas/main/openapi.json",
        "auth_type": "bearer_token",
    },
)
"""Services; `spec_path` is the address of the document."""


def list_categories() -> list[str]:
    """The kinds of servers that there are."""
    return sorted({one.category for one in _SERVERS})


def search_servers(query: str, category: str) -> list[Mapping[str, Any]]:
    """The servers of a category, or of all, whose name, title or description has all words of a query."""
    words = query.lower().split()
    return [
        one.describe()
        for one in _SERVERS
        if (not category or one.category.lower() == category.lower())
        and all(word in f"{one.name} {one.title} {one.description}".lower() for word in words)
    ]
