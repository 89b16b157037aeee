"""Load test of a fleet: real nodes beside simulated ones on one broker."""
