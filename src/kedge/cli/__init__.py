"""The command line: the composition root. The only place that reads the environment and wires the parts."""
