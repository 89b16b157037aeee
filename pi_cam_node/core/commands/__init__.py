"""Every command, declared once, and the dispatcher that carries them out."""
