"""Annotation files of every format -> data set."""
