"""Nodes run by the console as child processes, for cameras on its own machine."""
