"""Motion detection on a small luma picture: light taken out, gates, background subtraction, coherent tracks."""
