"""Files, batches and vector stores that have one id for several providers."""

from piccolo.columns import JSONB, Array, Boolean, Text
from piccolo.table import Table

from gateway.db.columns import TimestampMillis, utc_now_millis
from gateway.ids import new_id

__all__ = [
    "ManagedFileTable",
    "ManagedObjectTable",
    "ManagedVectorStoreIndexTable",
    "ManagedVectorStoreTable",
    "ManagedVectorStoresTable",
]


class ManagedFileTable(Table, tablename="LiteLLM_ManagedFileTable"):
    """A file known by one id and kept by one or more providers."""

    id = Text(default=new_id, primary_key=True)
    unified_file_id = Text(default=None, required=True, unique=True, index=True)
    file_object = JSONB(default=None, null=True)
    model_mappings = JSONB(default=None, required=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    created_by = Text(default=None, null=True)
    flat_model_file_ids = Array(Text(), default=list, null=True)
    updated_by = Text(default=None, null=True)
    storage_backend = Text(default=None, null=True)
    storage_url = Text(default=None, null=True)
    team_id = Text(default=None, null=True)


class ManagedObjectTable(Table, tablename="LiteLLM_ManagedObjectTable"):
    """A batch, fine-tuning job or background response, and the deployment that made it."""

    id = Text(default=new_id, primary_key=True)
    unified_object_id = Text(default=None, required=True, unique=True, index=True)
    model_object_id = Text(default=None, required=True, unique=True, index=True)
    file_object = JSONB(default=None, required=True)
    file_purpose = Text(default=None, required=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)
    status = Text(default=None, null=True)
    batch_processed = Boolean(default=False)
    team_id = Text(default=None, null=True)


class ManagedVectorStoreTable(Table, tablename="LiteLLM_ManagedVectorStoreTable"):
    """A vector store known by one id and kept by one or more providers."""

    id = Text(default=new_id, primary_key=True)
    unified_resource_id = Text(default=None, required=True, unique=True, index=True)
    resource_object = JSONB(default=None, null=True)
    model_mappings = JSONB(default=None, required=True)
    flat_model_resource_ids = Array(Text(), default=list, null=True)
    storage_backend = Text(default=None, null=True)
    storage_url = Text(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)
    team_id = Text(default=None, null=True)


class ManagedVectorStoresTable(Table, tablename="LiteLLM_ManagedVectorStoresTable"):
    """A vector store that the gateway may search."""

    vector_store_id = Text(default=None, primary_key=True, required=True)
    custom_llm_provider = Text(default=None, required=True)
    vector_store_name = Text(default=None, null=True)
    vector_store_description = Text(default=None, null=True)
    vector_store_metadata = JSONB(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    litellm_credential_name = Text(default=None, null=True)
    litellm_params = JSONB(default=None, null=True)
    team_id = Text(default=None, index=True, null=True)
    user_id = Text(default=None, index=True, null=True)


class ManagedVectorStoreIndexTable(Table, tablename="LiteLLM_ManagedVectorStoreIndexTable"):
    """A named index over a vector store."""

    id = Text(default=new_id, primary_key=True)
    index_name = Text(default=None, required=True, unique=True)
    litellm_params = JSONB(default=None, required=True)
    index_info = JSONB(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)
