"""What the project promises on speed and memory, measured: `make benchmark`."""
