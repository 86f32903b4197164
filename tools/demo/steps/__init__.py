"""The demo's steps, each a function of the :class:`~tools.demo.world.World`, in a run's order."""
