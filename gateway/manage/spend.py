"""What was spent, from the recorded requests."""

