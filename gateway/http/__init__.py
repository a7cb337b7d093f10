"""The Litestar side: routes, error answers, health."""
