# Trusts the roots of a file of its own, then compares the server's key after the handshake: an app that pins every host it visits.
# Arguments: proxy host, proxy port, host, port, CA file, SHA-256 of the expected certificate (hex).
import hashlib
import socket
import ssl
import sys

proxy_host, proxy_port, host, port, ca_file, expected = sys.argv[1:7]
tunnel = socket.create_connection((proxy_host, int(proxy_port)), timeout=20)
tunnel.sendall(f'CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n'.encode())
head = b''
while b'\r\n\r\n' not in head:
    more = tunnel.recv(4096)
    if not more:
        sys.exit('no answer from the proxy')
    head += more
if b' 200 ' not in head.split(b'\r\n')[0]:
    sys.exit(head.decode())
secure = ssl.create_default_context(cafile=ca_file).wrap_socket(tunnel, server_hostname=host)
if hashlib.sha256(secure.getpeercert(True)).hexdigest() != expected:
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
