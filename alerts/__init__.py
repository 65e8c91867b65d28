"""From verdicts to a person's inbox: schools and roles, policy packs, flags, incidents, routes, notices, digest."""
