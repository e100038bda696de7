# A port scanner or health check: opens the tunnel and leaves. Arguments: proxy port, host, what to do before leaving: close, hello-reset.
import socket
import ssl
import struct
import sys

import tunnel

proxy_port, host, manner = sys.argv[1:4]
connection = tunnel.connect(proxy_port, host)
if manner == 'hello-reset':
    # A ClientHello into memory, sent by hand; then RST instead of reading the answer.
    outgoing = ssl.MemoryBIO()
    hello = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host)
    try:
        hello.do_handshake()
    except ssl.SSLWantReadError:
        connection.sendall(outgoing.read())
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
connection.close()
print('left')
