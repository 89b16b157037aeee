"""The console over HTTP: pages, live view, pictures, and a small API, all behind one authorization gate."""
