"""Films: encoding pictures to packets, writing packets to files, mending files after a crash."""
