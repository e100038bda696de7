# One HTTPS request with libcurl as Debian builds it for Python: over GnuTLS. Arguments: proxy port, host, CA file, pin (base64 of the key's SHA-256) or -.
import sys

import pycurl

proxy_port, host, ca_file, pin = sys.argv[1:5]
if 'GnuTLS' not in pycurl.version:
    sys.exit('this libcurl is not built over GnuTLS')
curl = pycurl.Curl()
curl.setopt(pycurl.URL, f'https://{host}/')
curl.setopt(pycurl.PROXY, f'http://127.0.0.1:{proxy_port}')
curl.setopt(pycurl.CAINFO, ca_file)
curl.setopt(pycurl.TIMEOUT, 20)
if pin != '-':
    curl.setopt(pycurl.PINNEDPUBLICKEY, f'sha256//{pin}')
print(curl.perform_rs())
