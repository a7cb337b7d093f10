"""The typed settings: what config.yaml, the environment and the command line come to."""

from datetime import time
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import msgspec

from gateway.domain import McpClients, McpFinding, PassThrough, Secret
from gateway.settings.access import AccessSettings
from gateway.settings.budgets import BudgetSetting
from gateway.settings.guardrails import GuardrailEntry
from gateway.settings.jwt import JwtSettings
from gateway.settings.login import LoginSettings
from gateway.settings.policies import AttachmentEntry, PolicyEntry
from gateway.settings.price_terms import Margin
from gateway.settings.rotation import KeyRotationSettings
from gateway.settings.sso import SsoSettings

__all__ = [
    "Credential",
    "Environment",
    "FallbackMap",
    "GatewrightSettings",
    "GeneralSettings",
    "LimitSettings",
    "LitellmSettings",
    "McpPublicKey",
    "McpSigning",
    "ModelEntry",
    "PluginSettings",
    "RouterSettings",
    "Settings",
    "SettingsNotice",
]

FallbackMap = dict[str, tuple[str, ...]]
"""For a model name, the names that are tried in its place, in order."""


def _members() -> dict[str, object]:
    return {}


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One item of `model_list`; `key_path`, `file` and `lines` say where it stands, for error messages.

    `lines` has the line (from 1) of the item and of its members, by key path.
    """

    model_name: str
    litellm_params: dict[str, object]
    model_info: dict[str, object] = msgspec.field(default_factory=_members)
    key_path: str = ""
    file: str = ""
    lines: dict[str, int] = msgspec.field(default_factory=dict[str, int])

    def line_of(self, path: str | None) -> int:
        """The line of the member at a key path; the item's own where that is not known."""
        return self.lines.get(path or "") or self.lines.get(self.key_path, 0)

    def __repr__(self) -> str:
        # The parameters hold credentials as plain texts.
        return f"ModelEntry(model_name={self.model_name!r}, key_path={self.key_path!r})"


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """One item of `credential_list`."""

    name: str
    values: dict[str, Secret]
    info: dict[str, object] = msgspec.field(default_factory=_members)


class RouterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`router_settings`, and those of `litellm_settings` that mean the same; times are seconds."""

    routing_strategy: str = "simple-shuffle"
    num_retries: int = 2
    timeout: float | None = None
    stream_timeout: float | None = None
    retry_after: float = 0.0
    allowed_fails: int | None = None
    cooldown_time: float = 5.0
    disable_cooldowns: bool = False
    max_fallbacks: int = 5
    fallbacks: FallbackMap = msgspec.field(default_factory=FallbackMap)
    default_fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: FallbackMap = msgspec.field(default_factory=FallbackMap)
    content_policy_fallbacks: FallbackMap = msgspec.field(default_factory=FallbackMap)
    model_group_alias: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    hidden_aliases: frozenset[str] = frozenset()
    provider_budgets: dict[str, BudgetSetting] = msgspec.field(default_factory=dict[str, BudgetSetting])
    access_group_budgets: dict[str, BudgetSetting] = msgspec.field(default_factory=dict[str, BudgetSetting])
    retry_policy: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """Retries per LiteLLM error class without its suffix `Retries`, for example `RateLimitError`."""


class LitellmSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Those of `litellm_settings` that the gateway acts on; times are seconds."""

    request_timeout: float = 600.0
    budget_exceeded_status_code: int = 422
    block_requests_for_models_without_pricing: bool = False
    max_budget_nanos: int | None = None
    """Nano-dollars that may be spent through the whole gateway."""
    budget_duration: str = ""
    """When `max_budget_nanos` starts anew; empty means never."""
    drop_params: bool = False
    json_logs: bool = False
    always_include_stream_usage: bool = False
    store_audit_logs: bool = True
    """Whether changes of the management API are written into the audit trail."""
    default_key_generate_params: dict[str, object] = msgspec.field(default_factory=_members)
    upperbound_key_generate_params: dict[str, object] = msgspec.field(default_factory=_members)
    default_internal_user_params: dict[str, object] = msgspec.field(default_factory=_members)
    default_team_params: dict[str, object] = msgspec.field(default_factory=_members)
    cost_discounts: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """Parts per million that are taken off the prices of providers."""
    cost_margins: dict[str, Margin] = msgspec.field(default_factory=dict[str, Margin])
    """What is put on the prices of providers; `global` stands for all others."""
    timezone: str | None = None
    """Where the days, weeks and months of budgets begin, as an IANA name; None means UTC."""
    budget_reset_time: time | None = None
    """When a day begins for budgets of one day; None means midnight."""


class McpPublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key with which tokens were signed before, in PEM."""

    kid: str
    public_key: str


class McpSigning(msgspec.Struct, frozen=True, kw_only=True):
    """`mcp_session_token_signing`: the key, in PEM, that signs the tokens of clients of MCP (RS256)."""

    kid: str
    private_key: Secret
    previous: tuple[McpPublicKey, ...] = ()


class GeneralSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Those of `general_settings` that the gateway acts on."""

    key_header_name: str | None = None
    mcp_signing: McpSigning | None = None
    """With which key tokens for clients of MCP are signed; None gives them keys."""
    max_request_size_mb: float | None = None
    store_prompts_in_spend_logs: bool = False
    disable_spend_logs: bool = False
    disable_error_logs: bool = False
    block_robots: bool = False
    proxy_batch_write_at: float = 1.0
    """Seconds between two drains of the journal while there is little to drain."""
    disable_reset_budget: bool = False
    budget_rescheduler_min_seconds: float = 597.0
    budget_rescheduler_max_seconds: float = 605.0
    """How long the reset job waits at least and at most; a maximum below the minimum means the minimum."""
    logs_retention_seconds: float | None = None
    """How long spend rows are kept; None for ever, as with the two that follow."""
    tag_days_retention_seconds: float | None = None
    checks_retention_seconds: float | None = None
    retention_interval_seconds: float = 86_400.0
    cleanup_cron: str | None = None
    """When old rows are deleted, as a cron expression, in the place of the interval."""
    cleanup_batch_rows: int = 1_000
    cleanup_max_batches: int = 500
    cleanup_run_seconds: float = 300.0
    cleanup_batch_seconds: float = 30.0
    background_health_checks: bool = False
    health_check_interval_seconds: float = 300.0
    health_check_concurrency: int = 16
    health_check_details: bool = True
    """Whether results of health checks say what was asked and what it did cost."""
    health_check_groups: tuple[str, ...] | None = None
    """Whose deployments are checked in the background; None for all."""
    alerting: tuple[str, ...] = ()
    """The channels of alerts: `slack`, `webhook`, `email`."""
    alerting_threshold_seconds: float = 300.0
    """How long a request may take before it is told of."""
    spend_report_seconds: float = 7 * 86_400.0
    """How often reports of spend are sent; whole days."""
    alert_types: tuple[str, ...] | None = None
    """Which alerts are sent; None sends all."""
    alert_to_webhook_url: dict[str, object] = msgspec.field(default_factory=_members)
    """Per alert type one address, or several, in the place of `SLACK_WEBHOOK_URL`."""
    budget_rollover: bool = False
    include_call_id_in_error_body: bool = False
    allow_client_side_credentials: bool = False
    dangerously_permit_weak_or_unset_master_key: bool = False
    proxy_config_reload_interval_seconds: float = 30.0
    """How long a change of the database's models whose notice was lost stays unseen."""
    store_model_in_db: bool = True
    """Whether models and credentials of the database are served, and can be changed through the API."""
    disable_schema_update: bool = False
    """`disable_prisma_schema_update`: serve never upgrades the database by itself."""
    mcp_required_fields: tuple[str, ...] = ()
    """What users have to say of an MCP server that they submit."""
    pass_through_seconds: float = 600.0
    """How long a pass-through that names no time waits for its target."""
    default_estimated_output_tokens: int | None = None
    token_rate_limit_type: str = "total"  # noqa: S105  it is about tokens of a model
    """Which tokens limits of tokens count: `total`, `input` or `output`."""
    timezone: str | None = None
    """As `litellm_settings.timezone`, which wins."""
    budget_reset_time: time | None = None
    """As `litellm_settings.budget_reset_time`, which wins."""
    database_connection_pool_limit: int | None = None
    """Connections per worker at most; None leaves it to the database's URL."""
    database_connection_timeout: float | None = None
    """Seconds to wait for a connection of the pool; None leaves it to the database's URL."""


class OpenAiCosts(msgspec.Struct, frozen=True, kw_only=True):
    """`gatewright.openai_costs`: how OpenAI is asked what it has charged."""

    admin_key: Secret
    api_base: str = "https://api.openai.com/v1"


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`gatewright.limits`: what a single request may be; bytes and seconds."""

    body_bytes: int = 100 * 1024 * 1024
    header_bytes: int = 64 * 1024
    body_seconds: float = 300.0
    json_depth: int = 0
    """Levels of JSON in a request body; 0 leaves it to the decoder, which takes about a thousand."""
    stream_seconds: float = 3600.0
    response_bytes: int = 256 * 1024 * 1024


class PluginSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`gatewright.plugins`: which plugins load, and what each of them is told.

    `allow` None loads what is configured in `settings`; a list loads exactly these. `deny` wins.
    `settings` maps a plugin's name to its own section, handed over as it stands. `offered` are sections of
    plugins that load without being configured, where they are installed. `places` are file and line of
    everything here, by key path.
    """

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    settings: dict[str, dict[str, object]] = msgspec.field(default_factory=dict[str, dict[str, object]])
    offered: dict[str, dict[str, object]] = msgspec.field(default_factory=dict[str, dict[str, object]])
    places: dict[str, tuple[str, int]] = msgspec.field(default_factory=dict[str, tuple[str, int]])


class GatewrightSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The section `gatewright:`."""

    plugins: PluginSettings = PluginSettings()
    limits: LimitSettings = LimitSettings()
    price_file: str | None = None
    """A price file in LiteLLM's format, relative to the configuration file; it wins over bundled prices."""
    drain_seconds: float = 30.0
    """How long a stopping server waits for requests under way."""
    stream_keepalive_seconds: float = 15.0
    """How long a stream may be silent before a comment line is sent; 0 sends none."""
    cors_origins: tuple[str, ...] = ("*",)
    client_side_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks beyond the public ones that an address of a client's may lead to."""
    journal_segment_bytes: int = 64 * 1024 * 1024
    journal_sync_seconds: float = 0.05
    redis_prefix: str = "gatewright"
    """The hash tag of all keys in Redis: gateways that share limits have the same one."""
    redis_deadline_seconds: float = 0.05
    redis_outage: str = "deny"
    """What becomes of requests with limits while Redis does not answer: `deny` or `allow`."""
    redis_allowance_nanos: int = 0
    """What each scope may hold in each worker during an outage, where `redis_outage` is `allow`."""
    budget_mode: str = "expected"
    """`strict` refuses a request unless the most that it can cost fits every budget."""
    openai_costs: OpenAiCosts | None = None
    key_cache_seconds: float = 60.0
    key_cache_entries: int = 100_000


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What the process was started with: environment variables and command-line flags.

    `database_url` None means the embedded PostgreSQL. `master_key` None means that one is kept in the data
    directory. `salt_key` encrypts secrets in the database and falls back to the master key.
    """

    data_dir: Path
    config_path: Path | None = None
    database_url: Secret | None = None
    database_direct_url: Secret | None = None
    redis_url: Secret | None = None
    master_key: Secret | None = None
    salt_key: Secret | None = None
    server_root_path: str = ""
    is_log_json: bool = False


class SettingsNotice(msgspec.Struct, frozen=True):
    """Something in a configuration that is accepted and worth telling the operator."""

    path: str
    message: str
    file: str | None = None
    line: int | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the gateway is told."""

    environment: Environment
    models: tuple[ModelEntry, ...] = ()
    credentials: dict[str, Credential] = msgspec.field(default_factory=dict[str, Credential])
    guardrails: tuple[GuardrailEntry, ...] = ()
    policies: tuple[PolicyEntry, ...] = ()
    policy_attachments: tuple[AttachmentEntry, ...] = ()
    litellm: LitellmSettings = LitellmSettings()
    general: GeneralSettings = GeneralSettings()
    access: AccessSettings = AccessSettings()
    jwt: JwtSettings | None = None
    """What tokens of an identity provider are accepted; None accepts none."""
    router: RouterSettings = RouterSettings()
    rotation: KeyRotationSettings = KeyRotationSettings()
    login: LoginSettings = LoginSettings()
    sso: SsoSettings | None = None
    """The identity provider at which people log in, if there is one."""
    pass_throughs: tuple[PassThrough, ...] = ()
    mcp_finding: McpFinding = McpFinding()
    mcp_clients: McpClients = McpClients()
    """Paths that lead to services outside of the gateway."""
    gatewright: GatewrightSettings = GatewrightSettings()
    variables: dict[str, Secret] = msgspec.field(default_factory=dict[str, Secret])
    """The section `environment_variables`; these win over the process's own variables of the same names."""
    notices: tuple[SettingsNotice, ...] = ()
