"""HTTP services with an OpenAPI document as MCP servers: each operation is a tool.

Source: https://spec.openapis.org/oas/v3.1.0 and v3.0.3.
"""
