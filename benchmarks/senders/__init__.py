"""What benchmarks/push.py compares: one module each, run in a process of its own by benchmarks/measured.py."""
