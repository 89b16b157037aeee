"""The camera: sources, the process that runs a source, and recovery when frames stop."""
