"""Where frames come from: one file per backend, and the process that they live in."""
