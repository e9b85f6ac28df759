"""Braze Currents: the catalogue of events, the storage layout, and the loader of its Avro files."""
