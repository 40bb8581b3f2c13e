"""Market history at the edge: files in, exact columns kept, facts out. Imports only the model; no network."""
