"""Web Push: messages to phones and browsers that asked for them."""
