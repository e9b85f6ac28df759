"""The demo: a made-up company, its customers and its events, and the run of the main job over them."""
