"""Which deployment answers: strategies, retries, fallbacks, cooldowns."""
