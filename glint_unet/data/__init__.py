"""File -> arrays -> batches."""
