"""Live video over HTTP Live Streaming: packets in, playlists and segments in memory out."""
