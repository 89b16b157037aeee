"""The camera: one file per source, the process that runs the source, and recovery when frames stop."""
