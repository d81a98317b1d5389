"""What the web server runs."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heard.settings")

application = get_wsgi_application()

# What is loaded by now stays for good: whoever looks for garbage need not walk over it each time.
gc.collect()
gc.freeze()
