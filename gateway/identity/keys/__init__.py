"""Virtual keys: their requests, rules, services and queries."""
