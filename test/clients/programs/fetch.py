# One HTTPS request with urllib through the environment's proxy; trusts what Python trusts by default (SSL_CERT_FILE).
import sys
import urllib.request

print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())
