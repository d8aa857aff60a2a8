"""Loss -> weights -> run directory."""
