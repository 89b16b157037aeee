"""Archive of saved pictures: one flat folder of files."""
