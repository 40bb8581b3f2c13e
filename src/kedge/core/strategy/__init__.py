"""What a strategy is: its base class, its parameters, the view it gets, and the registry that runs it."""
