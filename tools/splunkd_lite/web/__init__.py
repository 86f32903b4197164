"""splunkweb of the stand-in: login, search page, app pages, dashboards, the REST proxy."""
