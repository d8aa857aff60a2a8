"""What a run achieved: pictures and one HTML page."""
