#!/usr/bin/env python3
"""A mail server on 127.0.0.1 (aiosmtpd): a line of JSON with its port, then one for each login and each mail.

    smtp.py tls|starttls|plain CERTIFICATE KEY

The one user is "me" with the password "secret"; who has not logged in, or not over TLS, may not send. plain: without TLS.
"""
import json
import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


def say(**what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        say(mail=envelope.content.decode(), sender=envelope.mail_from, to=envelope.rcpt_tos)
        return '250 taken'


def authenticator(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b'me', b'secret')
    say(login=right)
    return AuthResult(success=right, handled=False)


mode, certificate, key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
options = {'authenticator': authenticator, 'auth_required': True, 'auth_require_tls': mode != 'plain'}
if mode == 'tls':
    # The connection is encrypted already, which aiosmtpd knows of STARTTLS alone.
    options.update(ssl_context=context, auth_require_tls=False)
elif mode == 'starttls':
    options.update(tls_context=context, require_starttls=True)
server = Controller(Handler(), hostname='127.0.0.1', port=0, **options)
# Asked for any free port, the controller would try to reach port 0.
server._trigger_server = lambda: None
server.start()
say(port=server.server.sockets[0].getsockname()[1])
signal.pause()
