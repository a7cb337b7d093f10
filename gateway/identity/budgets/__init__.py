"""Budget rows, which several owners may share."""
