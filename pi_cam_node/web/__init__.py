"""The live view: streams, snapshots, saved pictures, commands and a page, over HTTP."""
