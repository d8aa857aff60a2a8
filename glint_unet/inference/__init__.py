"""Inference: from a trained model to glints."""
