# One HTTPS request over asyncio's streams. Arguments: proxy port, host, CA file or - for Python's default.
import asyncio
import ssl
import sys

import tunnel

proxy_port, host, ca_file = sys.argv[1:4]


async def main():
    context = ssl.create_default_context(cafile=None if ca_file == '-' else ca_file)
    reader, writer = await asyncio.open_connection(sock=tunnel.connect(proxy_port, host), ssl=context, server_hostname=host)
    writer.write(f'GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n'.encode())
    print((await reader.read()).decode())
    writer.close()


asyncio.run(main())
