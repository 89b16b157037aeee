"""``pi-cam-node remote``: writes the files for remote access to the console: tunnel, proxy, server set-up."""
