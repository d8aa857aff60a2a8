"""Many runs: found, listed, compared and repeated; and the search for the best settings."""
