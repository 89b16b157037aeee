"""The nodes on the broker, known by what they retain there; there is no pairing."""
