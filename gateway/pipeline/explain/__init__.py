"""What would become of a request, rule by rule and limit by limit, without its being made."""
