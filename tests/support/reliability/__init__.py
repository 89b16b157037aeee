"""The promises of docs/reliability.md: what each says, which tests hold it, what these measured, and the page."""
