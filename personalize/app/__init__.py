"""Django's edge: what workers do, between the tables and the library."""
