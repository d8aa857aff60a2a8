"""Batches -> heatmaps -> loss."""
