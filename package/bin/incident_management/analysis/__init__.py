"""From an incident to ranked, cited causes: gather, rank, ask a model, check every claim."""
