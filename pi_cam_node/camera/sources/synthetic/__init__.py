"""A camera made of arithmetic."""
