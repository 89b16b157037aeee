"""HTTP side of the console: pages, live view, pictures and API, behind one authorization gate."""
