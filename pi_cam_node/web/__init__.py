"""HTTP server of the node: live streams, snapshots, saved pictures, commands and pages."""
