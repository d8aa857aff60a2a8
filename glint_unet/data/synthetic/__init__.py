"""Synthetic infrared eyes: rig -> scene -> drawing -> stream."""
