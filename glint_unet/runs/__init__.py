"""The files of a run: their layout, and how they are written and read."""
