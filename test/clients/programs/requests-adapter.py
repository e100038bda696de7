# One HTTPS request with requests; a pin is an adapter that hands assert_fingerprint to the pool. Trust: REQUESTS_CA_BUNDLE, else the bundle of certifi.
# Arguments: proxy port, host, pin (hex) or -.
import sys

import requests
from requests.adapters import HTTPAdapter

proxy_port, host, pin = sys.argv[1:4]


class Pinned(HTTPAdapter):
    def proxy_manager_for(self, proxy, **kwargs):
        return super().proxy_manager_for(proxy, assert_fingerprint=pin, **kwargs)


session = requests.Session()
if pin != '-':
    session.mount('https://', Pinned())
print(session.get(f'https://{host}/', proxies={'https': f'http://127.0.0.1:{proxy_port}'}, timeout=20).text)
