"""The books: what every entity has spent, by its opening balance, its records and its adjustments."""
