"""The composition root: builds, runs, watches and stops the node."""
