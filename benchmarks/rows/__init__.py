"""The benchmark rows: functions that take the `Bench` and yield results."""
