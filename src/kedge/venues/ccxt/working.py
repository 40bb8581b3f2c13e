"""Tasks that run until they are stopped, as streams have them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

#: How long a stream waits after a failure.
RETRY_S: Final = 2


class Tasks:
    """Tasks of one stream. One that ends by a bug of ours is told to `died` at once, with the bug's name, and raised by `stop`:
    a stream that is dead and says nothing would be believed.
    """

    def __init__(self, died: Callable[[str], None]) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._died = died

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin."""
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._died(f"ended by {type(error).__name__}")

    async def stop(self) -> None:
        """End them; what one ended by is raised."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
