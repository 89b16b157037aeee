"""The promises of docs/reliability.md: texts, tests, measured results, and the page."""
