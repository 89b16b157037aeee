"""Automation rules: a trigger, conditions and actions. Data, never programs."""
