"""Many runs: found, listed, compared and repeated."""
