"""From what reaches the connectors to bins and scope records."""
