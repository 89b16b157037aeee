"""One connection to the broker and the next: session, limits, diagnosis, back-off."""
