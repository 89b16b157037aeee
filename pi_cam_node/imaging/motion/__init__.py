"""Motion detection on a small luma picture: light normalization, gates, background subtraction, coherent tracks."""
