"""Settings that live in the database, prompts, search tools and job leadership."""

from piccolo.columns import JSONB, Integer, Text
from piccolo.table import Table

from gateway.db.columns import EnumText, TimestampMillis, utc_now_millis
from gateway.ids import new_id

__all__ = [
    "CacheConfig",
    "Config",
    "ConfigOverrides",
    "CronJob",
    "PromptTable",
    "SSOConfig",
    "SearchToolsTable",
    "UISettings",
]


class Config(Table, tablename="LiteLLM_Config"):
    """One top-level section of the configuration that is kept in the database."""

    param_name = Text(default=None, primary_key=True, required=True)
    param_value = JSONB(default=None, null=True)


class ConfigOverrides(Table, tablename="LiteLLM_ConfigOverrides"):
    """One kind of settings kept in the database, such as those of a secret manager."""

    config_type = Text(default=None, primary_key=True, required=True)
    config_value = JSONB(default=None, required=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)


class CacheConfig(Table, tablename="LiteLLM_CacheConfig"):
    """The settings of the response cache, in one row."""

    id = Text(default="cache_config", primary_key=True)
    cache_settings = JSONB(default=None, required=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)


class SSOConfig(Table, tablename="LiteLLM_SSOConfig"):
    """The settings of single sign-on, in one row."""

    id = Text(default="sso_config", primary_key=True)
    sso_settings = JSONB(default=None, required=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)


class UISettings(Table, tablename="LiteLLM_UISettings"):
    """The settings of the console, in one row."""

    id = Text(default="ui_settings", primary_key=True)
    ui_settings = JSONB(default=None, required=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)


class CronJob(Table, tablename="LiteLLM_CronJob"):
    """Who leads a background job, and until when."""

    cronjob_id = Text(default=new_id, primary_key=True)
    pod_id = Text(default=None, required=True)
    status = EnumText("JobStatus", default="INACTIVE")
    last_updated = TimestampMillis(default=utc_now_millis)
    ttl = TimestampMillis(default=None, required=True)


class SearchToolsTable(Table, tablename="LiteLLM_SearchToolsTable"):
    """A search tool; its parameters are encrypted."""

    search_tool_id = Text(default=new_id, primary_key=True)
    search_tool_name = Text(default=None, required=True, unique=True)
    litellm_params = JSONB(default=None, required=True)
    search_tool_info = JSONB(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)


class PromptTable(Table, tablename="LiteLLM_PromptTable"):
    """One version of a prompt template in one environment."""

    id = Text(default=new_id, primary_key=True)
    prompt_id = Text(default=None, required=True, index=True)
    litellm_params = JSONB(default=None, required=True)
    prompt_info = JSONB(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    version = Integer(default=1)
    environment = Text(default="development")
    created_by = Text(default=None, null=True)
