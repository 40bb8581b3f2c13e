"""The peers: one module an engine, each started in that engine's own virtual environment."""
