"""Foundations of the package: errors, clocks, files, threads. Independent of cameras."""
