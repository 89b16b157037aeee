"""``pi-cam-node demo``: a node on the synthetic camera with a broker of its own, on this machine only."""
