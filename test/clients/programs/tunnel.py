# A CONNECT through the proxy, for programs whose library brings no proxy of its own. Copied beside each script.
import socket


def connect(proxy_port, host):
    tunnel = socket.create_connection(('127.0.0.1', int(proxy_port)), timeout=20)
    tunnel.sendall(f'CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n'.encode())
    head = b''
    while b'\r\n\r\n' not in head:
        more = tunnel.recv(1)
        if not more:
            raise SystemExit('no answer from the proxy')
        head += more
    if b' 200 ' not in head.split(b'\r\n')[0]:
        raise SystemExit(head.decode())
    return tunnel
