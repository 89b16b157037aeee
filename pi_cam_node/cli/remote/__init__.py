"""``pi-cam-node remote``: writes what reaching the console from outside takes: tunnel, proxy, server set-up."""
