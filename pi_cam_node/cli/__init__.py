"""Command line of the package: subcommands that people start."""
