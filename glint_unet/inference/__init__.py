"""Run directory -> glints."""
