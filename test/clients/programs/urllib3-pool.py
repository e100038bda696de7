# One HTTPS request with urllib3, its own pin being assert_fingerprint. Arguments: proxy port, host, CA file or - for Python's default, pin (hex) or -.
import ssl
import sys

import urllib3

proxy_port, host, ca_file, pin = sys.argv[1:5]
context = ssl.create_default_context(cafile=None if ca_file == '-' else ca_file)
pool = urllib3.ProxyManager(f'http://127.0.0.1:{proxy_port}', ssl_context=context, assert_fingerprint=None if pin == '-' else pin)
print(pool.request('GET', f'https://{host}/', retries=False, timeout=20).data.decode())
