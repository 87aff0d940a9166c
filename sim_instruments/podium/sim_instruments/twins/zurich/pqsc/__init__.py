"""The PQSC: its register bank, and ZSync to the other instruments."""
