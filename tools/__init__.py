"""What `tasks.py` stands on: the private environment, the installer, the package index. Standard library only."""
