"""Networks, losses, decoding and metrics."""
