"""Pictures in a folder."""
