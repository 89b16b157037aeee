"""Load test of a fleet: real and simulated nodes on one broker."""
