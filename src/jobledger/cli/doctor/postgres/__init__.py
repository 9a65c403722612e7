"""The doctor for a store on PostgreSQL."""
