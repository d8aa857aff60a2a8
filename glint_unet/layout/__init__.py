"""Unlabelled images -> layout of the rig's LEDs -> rig file."""
