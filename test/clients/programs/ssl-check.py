# Compares the server's certificate after the handshake, before it sends anything: what a program with a pin of its own does.
# Arguments: proxy port, host, CA file or - for Python's default, SHA-256 of the expected certificate (hex) or -,
# and for mutual TLS the files of its own certificate and key.
import hashlib
import ssl
import sys

import tunnel

proxy_port, host, ca_file, pin = sys.argv[1:5]
context = ssl.create_default_context(cafile=None if ca_file == '-' else ca_file)
if len(sys.argv) > 5:
    context.load_cert_chain(sys.argv[5], sys.argv[6])
secure = context.wrap_socket(tunnel.connect(proxy_port, host), server_hostname=host)
if pin != '-' and hashlib.sha256(secure.getpeercert(True)).hexdigest() != pin:
    secure.close()
    sys.exit('pin does not match')
secure.sendall(f'GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n'.encode())
body = b''
while True:
    more = secure.recv(65536)
    if not more:
        break
    body += more
print(body.decode())
