"""What the node knows and decides. No I/O: inputs come by the inbox, events go out."""
