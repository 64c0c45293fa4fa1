"""The portal's pages for any WSGI server: granian --interface wsgi wsgi:application"""

from portal import create_app
from portal.operations.start import begin, told

with told():
    application = begin(create_app())
