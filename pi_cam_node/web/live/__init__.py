"""The live view: stream and snapshot."""
