"""One camera or stand-in for a camera each."""
