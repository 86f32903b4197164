"""The REST API under ``/services/incident_management/v1``: thin routes over the library."""

# First path segment -> the modules of this package that have its routes.
ROUTES = {
    "openapi.json": ("openapi",),
    "docs": ("openapi",),
    "health": ("system",),
    "system": ("system",),
    "signals": ("signals",),
    "incidents": (
        "bulk",
        "incidents",
        "listing",
        "joining",
        "lifecycle",
        "analysis",
        "plans",
        "history",
    ),
    "plans": ("plans",),
    "actions": ("plans",),
    "notifications": ("notifications",),
    "outbox": ("notifications",),
    "stats": ("metrics",),
    "metrics": ("metrics",),
    "teams": ("teams",),
    "simulate-incident": ("drills",),
    "trigger-detection": ("drills",),
    "webhooks": ("webhooks",),
    "subscriptions": ("subscriptions",),
    "suppressions": ("suppressions",),
    "baselines": ("baselines",),
    "detections": ("detections",),
}
