"""Tells people that budgets come near their limits: by Slack, webhook and e-mail, off the request path."""
