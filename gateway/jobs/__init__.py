"""What happens by itself, on one worker at a time: budgets start anew, old rows are deleted."""
