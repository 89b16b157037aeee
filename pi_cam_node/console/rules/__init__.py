"""Automation rules: trigger, conditions and actions, as data without code."""
