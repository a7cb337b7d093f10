"""The third party's folder is a project of its own: its tests run where it is installed."""

collect_ignore = ["third_party", "third_party_guardrail"]
