"""The keys of LiteLLM's configuration as data: which the gateway acts on, and what becomes of the others."""
