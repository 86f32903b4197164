"""The executors of fixes: one service a file, each an :class:`.executor.Executor`."""
