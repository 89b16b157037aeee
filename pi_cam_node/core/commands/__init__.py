"""Commands, each declared once, and the dispatcher that runs them."""
