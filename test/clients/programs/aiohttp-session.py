# One HTTPS request with aiohttp, its own pin being aiohttp.Fingerprint, which aiohttp compares only where it dials itself: so the tunnel is its dialling.
# Arguments: proxy port, host, CA file or - for Python's default, pin (hex) or -.
import asyncio
import socket
import ssl
import sys

import aiohttp
from aiohttp.abc import AbstractResolver

import tunnel

proxy_port, host, ca_file, pin = sys.argv[1:5]


class NoResolver(AbstractResolver):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{'hostname': host, 'host': '127.0.0.1', 'port': port, 'family': family, 'proto': 0, 'flags': 0}]

    async def close(self):
        pass


class Tunnelled(aiohttp.TCPConnector):
    async def _wrap_create_connection(self, factory, _address, _port, *, timeout, ssl, server_hostname, **_other):
        return await self._loop.create_connection(factory, sock=tunnel.connect(proxy_port, host), ssl=ssl, server_hostname=server_hostname)


async def main():
    trust = ssl.create_default_context(cafile=None if ca_file == '-' else ca_file) if pin == '-' else aiohttp.Fingerprint(bytes.fromhex(pin))
    connector = Tunnelled(resolver=NoResolver(), family=socket.AF_INET)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
        async with session.get(f'https://{host}/', ssl=trust) as response:
            print(await response.text())


asyncio.run(main())
