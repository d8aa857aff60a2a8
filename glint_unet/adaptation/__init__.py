"""Trained model and unlabelled images of the user's own rig -> a better model."""
