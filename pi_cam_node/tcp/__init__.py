"""The text protocol of the service we grew from."""
