"""The portal's pages for any WSGI server: granian --interface wsgi wsgi:application

A server that is not granian says its number of threads in GRANIAN_BLOCKING_THREADS.
"""

import sys

from portal import create_app
from portal.operations.start import begin, configured_threads, problems_reported

with problems_reported():
    application = begin(create_app(threads=configured_threads(sys.argv)))
