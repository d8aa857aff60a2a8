"""Data: from files to arrays to batches."""
