"""Training: from the loss to trained weights and a run directory."""
