"""The kinds of alert that the contract knows, and which of them go out unless the operator chooses."""

from enum import StrEnum

__all__ = ["DEFAULT_TYPES", "AlertType"]


class AlertType(StrEnum):
    """What `general_settings.alert_types` lists."""

    BUDGETS = "budget_alerts"
    LLM_EXCEPTIONS = "llm_exceptions"
    """A call of a provider failed by the provider's fault."""
    LLM_TOO_SLOW = "llm_too_slow"
    """A request took longer than `alerting_threshold`."""
    LLM_HANGING = "llm_requests_hanging"
    """Requests are under way for longer than that."""
    COOLDOWN = "cooldown_deployment"
    """A deployment is left alone for a while."""
    OUTAGE = "outage_alerts"
    """A deployment fails again and again within a minute."""
    REGION_OUTAGE = "region_outage_alerts"
    """Several deployments of one provider's region do."""
    DATABASE = "db_exceptions"
    """The database does not answer."""
    TRACKING = "failed_tracking_spend"
    """What was spent cannot be written down, or not booked."""
    DAILY_REPORTS = "daily_reports"
    """Which deployments failed and which were slow, twice a day."""
    SPEND_REPORTS = "spend_reports"
    """What teams and tags have spent, every week and every month."""
    NEW_MODEL = "new_model_added"
    KEY_CREATED = "new_virtual_key_created"
    KEY_UPDATED = "virtual_key_updated"
    KEY_DELETED = "virtual_key_deleted"
    TEAM_CREATED = "new_team_created"
    TEAM_UPDATED = "team_updated"
    TEAM_DELETED = "team_deleted"
    USER_CREATED = "new_internal_user_created"
    USER_UPDATED = "internal_user_updated"
    USER_DELETED = "internal_user_deleted"


_CHANGES = frozenset(
    {
        *(AlertType.KEY_CREATED, AlertType.KEY_UPDATED, AlertType.KEY_DELETED),
        *(AlertType.TEAM_CREATED, AlertType.TEAM_UPDATED, AlertType.TEAM_DELETED),
        *(AlertType.USER_CREATED, AlertType.USER_UPDATED, AlertType.USER_DELETED),
    }
)
DEFAULT_TYPES = frozenset(AlertType) - _CHANGES
"""All but those about changes of keys, teams and users, which have to be asked for."""
