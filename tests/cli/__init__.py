"""The command line, mostly called in this process: `kedge.cli.main.run([...])` is what `kedge ...` runs."""
