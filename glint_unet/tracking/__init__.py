"""Experiment trackers: the metrics of a run, sent by a process of its own to TensorBoard, MLflow or W&B."""
