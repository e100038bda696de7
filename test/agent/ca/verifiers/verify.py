# Connects to every NAME=PORT and verifies as Python does, with the strict flag that 3.13 sets by itself. Prints "ok NAME" for each.
import socket
import ssl
import sys

context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT
for pair in sys.argv[2:]:
    name, port = pair.rsplit("=", 1)
    try:
        with socket.create_connection(("127.0.0.1", int(port))) as raw, context.wrap_socket(raw, server_hostname=name):
            print("ok", name)
    except OSError as error:
        print("refused", name, error)
