"""The machine: its terminal, streams, network, memory and signals; no torch."""
