#!/usr/bin/env python3
"""A mail server on 127.0.0.1 (aiosmtpd): a line of JSON with its port, then one for each login and each mail.

    smtp.py tls|starttls|plain CERTIFICATE KEY

The one user is "me" with the password "secret"; who has not logged in, or not over TLS, may not send. plain: without TLS.
"""
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


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
    options.update(auth_require_tls=False)
elif mode == 'starttls':
    options.update(tls_context=context, require_starttls=True)


async def serve():
    loop = asyncio.get_running_loop()
    over_tls = context if mode == 'tls' else None
    server = await loop.create_server(lambda: SMTP(Handler(), **options), '127.0.0.1', 0, ssl=over_tls)
    say(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(serve())
