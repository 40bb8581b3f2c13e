# Forwards to tasks.py, which works without make: `make check`, `make test ARGS="-k risk"`.
PYTHON ?= python3
ARGS ?=

TASKS := demo kedge test clients compile check style format lint types layers tidy coverage bench pin help

.DEFAULT_GOAL := help
.PHONY: $(TASKS)
$(TASKS):
	@$(PYTHON) tasks.py $@ $(ARGS)
