"""Films: encoding pictures to packets, writing packets to files, repairing files after a crash."""
