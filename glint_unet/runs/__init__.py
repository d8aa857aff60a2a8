"""A run's files: where they lie, how they are written and read."""
