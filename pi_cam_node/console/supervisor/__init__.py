"""Nodes that the console runs itself, as children: cameras on the console's own machine."""
