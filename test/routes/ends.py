# A TLS client and server that end a connection by reset, by a bare FIN or by close_notify, and tell which of them they see.
import socket
import ssl
import struct
import sys
import time


def strict(context):
    # Over OpenSSL 3 Python takes a missing close_notify for a proper end unless told not to.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    return context


def drain(tls):
    seen = 0
    try:
        while True:
            data = tls.recv(65536)
            if not data:
                print("proper", seen)
                return
            seen += len(data)
    except OSError:
        print("cut", seen)


def end(tls, how):
    tls.sendall(b"x" * 50000)
    # What was sent is to be taken before a reset throws it away.
    time.sleep(0.2)
    if how == "notify":
        tls.settimeout(2)
        try:
            tls.unwrap()
        except OSError:
            pass
    elif how == "reset":
        tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    tls.close()


def serve(file):
    context = strict(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.load_cert_chain(file)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1])
    while True:
        raw, _ = listener.accept()
        try:
            tls = context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)
            who, how = tls.recv(8).decode().strip().split("-")
            if who == "s":
                end(tls, how)
            else:
                drain(tls)
            tls.close()
        except (OSError, ValueError):
            raw.close()


def visit(port, host, command):
    raw = socket.create_connection(("127.0.0.1", port))
    raw.sendall(f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())
    while b"\r\n\r\n" not in raw.recv(4096):
        pass
    context = strict(ssl.create_default_context())
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    tls = context.wrap_socket(raw, server_hostname=host, suppress_ragged_eofs=False)
    tls.sendall(command.ljust(8).encode())
    who, how = command.split("-")
    if who == "c":
        end(tls, how)
    else:
        drain(tls)


if sys.argv[1] == "server":
    serve(sys.argv[2])
else:
    visit(int(sys.argv[2]), sys.argv[3], sys.argv[4])
