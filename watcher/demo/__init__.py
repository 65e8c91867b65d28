"""The demo's world: one IT provider, five schools, their posts, and a small server that publishes them in time."""
