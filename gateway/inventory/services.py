"""The services of models and credentials, built together."""

import msgspec

from gateway.cache.look import RedisAccess
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.identity.records import Records
from gateway.inventory.access_groups.service import ModelGroupService
from gateway.inventory.cache_settings import CacheSettingsService
from gateway.inventory.caches import CacheService
from gateway.inventory.config.service import ConfigService
from gateway.inventory.credentials.service import CredentialService
from gateway.inventory.guardrails.service import GuardrailService
from gateway.inventory.guardrails.submissions import SubmissionService
from gateway.inventory.mcp.health import McpHealthService
from gateway.inventory.mcp.service import McpServerService
from gateway.inventory.mcp.submissions import McpSubmissionService
from gateway.inventory.mcp.toolsets import ToolsetService
from gateway.inventory.mcp.trials import McpTrialService
from gateway.inventory.mcp.user_credentials import UserCredentialService
from gateway.inventory.mcp.user_tokens import UserTokenService
from gateway.inventory.mcp.user_variables import UserVariableService
from gateway.inventory.models.service import ModelService
from gateway.inventory.overrides.service import OverrideService
from gateway.inventory.pass_throughs.service import PassThroughService
from gateway.inventory.policies.services import Policies, build_policies
from gateway.inventory.rotation.service import SealRotation
from gateway.inventory.sso.service import SsoSettingsService
from gateway.inventory.teams import TeamModels
from gateway.inventory.tools.service import ToolService
from gateway.inventory.ui.service import UiSettingsService
from gateway.upstream.address_guard import AddressGuard, Networks

__all__ = ["Inventory", "build_inventory"]


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """One service per resource."""

    cache_settings: CacheSettingsService
    caches: CacheService
    config: ConfigService
    credentials: CredentialService
    guardrails: GuardrailService
    mcp_credentials: UserCredentialService
    mcp_health: McpHealthService
    mcp_servers: McpServerService
    mcp_submissions: McpSubmissionService
    mcp_tokens: UserTokenService
    mcp_toolsets: ToolsetService
    mcp_trials: McpTrialService
    mcp_variables: UserVariableService
    model_access_groups: ModelGroupService
    models: ModelService
    overrides: OverrideService
    pass_throughs: PassThroughService
    policies: Policies
    rotation: SealRotation
    sso: SsoSettingsService
    submissions: SubmissionService
    teams: TeamModels
    tools: ToolService
    ui: UiSettingsService


def build_inventory(
    database: Database, records: Records, seal: Seal, networks: Networks, redis: RedisAccess
) -> Inventory:
    """Build every service; `networks` are those beyond the public ones to which tenants may lead."""
    config = ConfigService(database, records, seal)
    mcp_servers = McpServerService(database, records, seal)
    return Inventory(
        cache_settings=CacheSettingsService(database, records, seal),
        caches=CacheService(records, redis),
        config=config,
        credentials=CredentialService(database, records, seal),
        guardrails=GuardrailService(database, records, seal),
        mcp_credentials=UserCredentialService(database, records, seal, mcp_servers),
        mcp_health=McpHealthService(database, records.clock, seal),
        mcp_servers=mcp_servers,
        mcp_submissions=McpSubmissionService(database, records, seal, mcp_servers, AddressGuard(networks)),
        mcp_tokens=UserTokenService(database, records, seal, mcp_servers),
        mcp_toolsets=ToolsetService(database, records),
        mcp_trials=McpTrialService(database, seal, mcp_servers),
        mcp_variables=UserVariableService(database, records, seal, mcp_servers),
        model_access_groups=ModelGroupService(database, records),
        models=ModelService(database, records, seal, AddressGuard(networks)),
        overrides=OverrideService(database, records, seal),
        pass_throughs=PassThroughService(config, seal),
        policies=build_policies(database, records),
        rotation=SealRotation(database, seal, records.audit),
        sso=SsoSettingsService(database, records, seal),
        submissions=SubmissionService(database, records, AddressGuard(networks)),
        teams=TeamModels(records),
        tools=ToolService(database, records),
        ui=UiSettingsService(database, records),
    )
