"""Fault suite: causes real faults and checks the promises of `docs/reliability.md`."""
