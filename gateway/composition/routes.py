"""Every ordinary route of the application; the inference routes are built for a gateway."""

from litestar.handlers import HTTPRouteHandler

from gateway.http import health, metrics, models, stored_responses
from gateway.http.description import routes as description_routes
from gateway.manage import access_groups as access_group_routes
from gateway.manage import allowed_addresses as allowed_address_routes
from gateway.manage import audit as audit_routes
from gateway.manage import books as book_routes
from gateway.manage import budgets as budget_routes
from gateway.manage import cache_settings as cache_setting_routes
from gateway.manage import caches as cache_routes
from gateway.manage import callbacks as callback_routes
from gateway.manage import compliance as compliance_routes
from gateway.manage import config as config_routes
from gateway.manage import cost_terms as cost_term_routes
from gateway.manage import credentials as credential_routes
from gateway.manage import customers as customer_routes
from gateway.manage import debug as debug_routes
from gateway.manage import default_settings as default_setting_routes
from gateway.manage import email_events as email_event_routes
from gateway.manage import explain as explain_routes
from gateway.manage import guardrail_kinds as guardrail_kind_routes
from gateway.manage import guardrail_submissions as guardrail_submission_routes
from gateway.manage import guardrail_usage as guardrail_usage_routes
from gateway.manage import guardrails as guardrail_routes
from gateway.manage import invitations as invitation_routes
from gateway.manage import jwt_mappings as mapping_routes
from gateway.manage import key_lists as key_list_routes
from gateway.manage import key_rotation as key_rotation_routes
from gateway.manage import keys as key_routes
from gateway.manage import login as login_routes
from gateway.manage import mcp_bridge as mcp_bridge_routes
from gateway.manage import mcp_byok as mcp_byok_routes
from gateway.manage import mcp_catalog as mcp_catalog_routes
from gateway.manage import mcp_client_logins as mcp_client_login_routes
from gateway.manage import mcp_facade as mcp_facade_routes
from gateway.manage import mcp_finding as mcp_finding_routes
from gateway.manage import mcp_health as mcp_health_routes
from gateway.manage import mcp_hub as mcp_hub_routes
from gateway.manage import mcp_keys as mcp_key_routes
from gateway.manage import mcp_logins as mcp_login_routes
from gateway.manage import mcp_servers as mcp_server_routes
from gateway.manage import mcp_sessions as mcp_session_routes
from gateway.manage import mcp_submissions as mcp_submission_routes
from gateway.manage import mcp_toolsets as mcp_toolset_routes
from gateway.manage import mcp_trials as mcp_trial_routes
from gateway.manage import mcp_user_credentials as mcp_user_credential_routes
from gateway.manage import mcp_user_variables as mcp_user_variable_routes
from gateway.manage import model_access_groups as model_access_group_routes
from gateway.manage import model_facts as model_fact_routes
from gateway.manage import model_group_budgets as model_group_budget_routes
from gateway.manage import model_hub as model_hub_routes
from gateway.manage import model_info as model_info_routes
from gateway.manage import models as model_routes
from gateway.manage import oauth_authorize as oauth_authorize_routes
from gateway.manage import oauth_tokens as oauth_token_routes
from gateway.manage import organization_members as organization_member_routes
from gateway.manage import organizations as organization_routes
from gateway.manage import overrides as override_routes
from gateway.manage import pass_throughs as pass_through_routes
from gateway.manage import people as people_routes
from gateway.manage import policies as policy_routes
from gateway.manage import policy_attachments as policy_attachment_routes
from gateway.manage import policy_questions as policy_question_routes
from gateway.manage import policy_templates as policy_template_routes
from gateway.manage import policy_usage as policy_usage_routes
from gateway.manage import price_reloads as price_reload_routes
from gateway.manage import projects as project_routes
from gateway.manage import provider_settings as provider_setting_routes
from gateway.manage import public_models as public_model_routes
from gateway.manage import public_providers as public_provider_routes
from gateway.manage import reports as report_routes
from gateway.manage import router_settings as router_routes
from gateway.manage import scim as scim_routes
from gateway.manage import scim_discovery as scim_discovery_routes
from gateway.manage import spend as spend_routes
from gateway.manage import sso as sso_routes
from gateway.manage import sso_settings as sso_setting_routes
from gateway.manage import tags as tag_routes
from gateway.manage import terminals as terminal_routes
from gateway.manage import tools as tool_routes
from gateway.manage import ui_settings as ui_setting_routes
from gateway.manage import utilities as utility_routes

__all__ = ["ROUTES"]

ROUTES: tuple[HTTPRouteHandler, ...] = (
    *health.ROUTE_HANDLERS,
    *metrics.ROUTE_HANDLERS,
    *description_routes.ROUTE_HANDLERS,
    *debug_routes.ROUTE_HANDLERS,
    *models.ROUTE_HANDLERS,
    *stored_responses.ROUTE_HANDLERS,
    *key_routes.ROUTE_HANDLERS,
    *model_hub_routes.ROUTE_HANDLERS,
    *public_model_routes.ROUTE_HANDLERS,
    *public_provider_routes.ROUTE_HANDLERS,
    *model_info_routes.ROUTE_HANDLERS,
    *model_routes.ROUTE_HANDLERS,
    *mapping_routes.ROUTE_HANDLERS,
    *login_routes.ROUTE_HANDLERS,
    *sso_routes.ROUTE_HANDLERS,
    *sso_setting_routes.ROUTE_HANDLERS,
    *ui_setting_routes.ROUTE_HANDLERS,
    *terminal_routes.ROUTE_HANDLERS,
    *invitation_routes.ROUTE_HANDLERS,
    *key_list_routes.ROUTE_HANDLERS,
    *key_rotation_routes.ROUTE_HANDLERS,
    *spend_routes.ROUTE_HANDLERS,
    *report_routes.ROUTE_HANDLERS,
    *book_routes.ROUTE_HANDLERS,
    *access_group_routes.ROUTE_HANDLERS,
    *model_access_group_routes.ROUTE_HANDLERS,
    *model_fact_routes.ROUTE_HANDLERS,
    *model_group_budget_routes.ROUTE_HANDLERS,
    *budget_routes.ROUTE_HANDLERS,
    *allowed_address_routes.ROUTE_HANDLERS,
    *cost_term_routes.ROUTE_HANDLERS,
    *override_routes.ROUTE_HANDLERS,
    *pass_through_routes.ROUTE_HANDLERS,
    *default_setting_routes.ROUTE_HANDLERS,
    *price_reload_routes.ROUTE_HANDLERS,
    *provider_setting_routes.ROUTE_HANDLERS,
    *cache_setting_routes.ROUTE_HANDLERS,
    *cache_routes.ROUTE_HANDLERS,
    *callback_routes.ROUTE_HANDLERS,
    *config_routes.ROUTE_HANDLERS,
    *router_routes.ROUTE_HANDLERS,
    *credential_routes.ROUTE_HANDLERS,
    *customer_routes.ROUTE_HANDLERS,
    *organization_member_routes.ROUTE_HANDLERS,
    *organization_routes.ROUTE_HANDLERS,
    *project_routes.ROUTE_HANDLERS,
    *tag_routes.ROUTE_HANDLERS,
    *people_routes.ROUTE_HANDLERS,
    *scim_discovery_routes.ROUTE_HANDLERS,
    *scim_routes.ROUTE_HANDLERS,
    *email_event_routes.ROUTE_HANDLERS,
    *explain_routes.ROUTE_HANDLERS,
    *utility_routes.ROUTE_HANDLERS,
    *tool_routes.ROUTE_HANDLERS,
    *mcp_byok_routes.ROUTE_HANDLERS,
    *mcp_catalog_routes.ROUTE_HANDLERS,
    *mcp_client_login_routes.ROUTE_HANDLERS,
    *mcp_bridge_routes.ROUTE_HANDLERS,
    *mcp_facade_routes.ROUTE_HANDLERS,
    *mcp_key_routes.ROUTE_HANDLERS,
    *mcp_finding_routes.ROUTE_HANDLERS,
    *mcp_health_routes.ROUTE_HANDLERS,
    *mcp_hub_routes.ROUTE_HANDLERS,
    *mcp_login_routes.ROUTE_HANDLERS,
    *oauth_authorize_routes.ROUTE_HANDLERS,
    *oauth_token_routes.ROUTE_HANDLERS,
    *mcp_server_routes.ROUTE_HANDLERS,
    *mcp_session_routes.ROUTE_HANDLERS,
    *mcp_submission_routes.ROUTE_HANDLERS,
    *mcp_toolset_routes.ROUTE_HANDLERS,
    *mcp_trial_routes.ROUTE_HANDLERS,
    *mcp_user_credential_routes.ROUTE_HANDLERS,
    *mcp_user_variable_routes.ROUTE_HANDLERS,
    *audit_routes.ROUTE_HANDLERS,
    *guardrail_kind_routes.ROUTE_HANDLERS,
    *guardrail_usage_routes.ROUTE_HANDLERS,
    *compliance_routes.ROUTE_HANDLERS,
    *guardrail_routes.ROUTE_HANDLERS,
    *guardrail_submission_routes.ROUTE_HANDLERS,
    *policy_routes.ROUTE_HANDLERS,
    *policy_attachment_routes.ROUTE_HANDLERS,
    *policy_usage_routes.ROUTE_HANDLERS,
    *policy_question_routes.ROUTE_HANDLERS,
    *policy_template_routes.ROUTE_HANDLERS,
)
"""A new module of routes is added here."""
