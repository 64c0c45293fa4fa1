"""The portal's pages for any WSGI server: granian --interface wsgi wsgi:application"""

from portal import create_app
from portal.operations.start import refuse_unsafe

application = create_app()
refuse_unsafe(application)
