"""A mail server of aiosmtpd for the tests: smtpd.py PORT MAILDIR MODE CERT KEY.

MODE is starttls (STARTTLS and AUTH are demanded), tls (TLS from the first byte,
AUTH is demanded) or plain (neither is offered). The one user is
anna@example.org; the password is in SMTPD_PASSWORD.
"""
import asyncio
import os
import ssl
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Handler(Mailbox):
    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("stranger@"):
            return "553 5.7.1 Sender address rejected: not owned by user"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 Recipient address rejected: User unknown"
        if address.startswith("later@"):
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data == LoginPassword(b"anna@example.org", os.environb[b"SMTPD_PASSWORD"])
    return AuthResult(success=good, handled=False)


async def main(port, maildir, mode, cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    options = {"enable_SMTPUTF8": True, "hostname": "mail.example.org"}
    if mode != "plain":
        options.update(authenticator=authenticate, auth_required=True)
    if mode == "starttls":
        options.update(tls_context=context, require_starttls=True)
    else:
        options.update(auth_require_tls=False)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Handler(maildir), loop=asyncio.get_running_loop(), **options),
        "127.0.0.1", int(port), ssl=context if mode == "tls" else None)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
