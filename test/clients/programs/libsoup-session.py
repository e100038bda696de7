# One HTTPS request with GNOME's libsoup 3, which is GnuTLS underneath. Arguments: proxy port, host, CA file.
import sys

import gi

gi.require_version('Soup', '3.0')
from gi.repository import Gio, Soup

proxy_port, host, ca_file = sys.argv[1:4]
session = Soup.Session(
    proxy_resolver=Gio.SimpleProxyResolver.new(f'http://127.0.0.1:{proxy_port}', None), tls_database=Gio.TlsFileDatabase.new(ca_file), timeout=20,
)
print(session.send_and_read(Soup.Message.new('GET', f'https://{host}/'), None).get_data().decode())
