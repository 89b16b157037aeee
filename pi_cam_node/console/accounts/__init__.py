"""Accounts, sessions and their rights."""
