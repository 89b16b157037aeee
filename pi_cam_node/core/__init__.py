"""Core: state and decisions of the node. No I/O: inputs come by the inbox, events go out."""
