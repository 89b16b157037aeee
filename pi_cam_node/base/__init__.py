"""What everything else is built of: errors, clocks, files, threads. Knows nothing of cameras."""
