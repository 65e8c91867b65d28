"""The pages: what was found, who was told and whether Watcher works, rendered on the server."""
