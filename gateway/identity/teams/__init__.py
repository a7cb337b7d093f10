"""Teams, their members and their limits."""
