# One HTTPS request with httpx. Arguments: proxy port, host, CA file.
import sys

import httpx

proxy_port, host, ca_file = sys.argv[1:4]
with httpx.Client(proxies=f'http://127.0.0.1:{proxy_port}', verify=ca_file, timeout=20) as client:
    print(client.get(f'https://{host}/').text)
