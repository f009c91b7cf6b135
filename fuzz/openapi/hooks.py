"""Tells schemathesis how an activity file in TOML travels: as the text that it is."""

import schemathesis

schemathesis.serializer.alias("application/toml", "text/plain")
