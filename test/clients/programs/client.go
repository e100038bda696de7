// One HTTPS request with Go, pinned at one of three places. Trusts what Go trusts by default (SSL_CERT_FILE) unless a CA file is named.
// Arguments: where to check (verify-peer, verify-connection, after-dial), proxy port, host, CA file or -, SHA-256 of the expected certificate (hex) or -.
package main

import (
	"bufio"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

func main() {
	where, proxyPort, host, caFile, pin := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	config := &tls.Config{ServerName: host}
	if caFile != "-" {
		pem, err := os.ReadFile(caFile)
		must(err)
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	check := func(der []byte) error {
		hash := sha256.Sum256(der)
		if pin != "-" && hex.EncodeToString(hash[:]) != pin {
			return errors.New("pin does not match")
		}
		return nil
	}
	switch where {
	case "verify-peer":
		config.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error { return check(raw[0]) }
	case "verify-connection":
		config.VerifyConnection = func(state tls.ConnectionState) error { return check(state.PeerCertificates[0].Raw) }
	case "after-dial":
		afterDial(proxyPort, host, config, check)
		return
	}
	proxy, err := url.Parse("http://127.0.0.1:" + proxyPort)
	must(err)
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: config, ForceAttemptHTTP2: true}
	response, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Get("https://" + host + "/")
	must(err)
	_, err = io.Copy(os.Stdout, response.Body)
	must(err)
}

func afterDial(proxyPort, host string, config *tls.Config, check func([]byte) error) {
	tunnel, err := net.Dial("tcp", "127.0.0.1:"+proxyPort)
	must(err)
	fmt.Fprintf(tunnel, "CONNECT %[1]s:443 HTTP/1.1\r\nHost: %[1]s:443\r\n\r\n", host)
	answer, err := http.ReadResponse(bufio.NewReader(tunnel), &http.Request{Method: "CONNECT"})
	must(err)
	if answer.StatusCode != 200 {
		must(errors.New(answer.Status))
	}
	secure := tls.Client(tunnel, config)
	must(secure.Handshake())
	if err := check(secure.ConnectionState().PeerCertificates[0].Raw); err != nil {
		secure.Close()
		must(err)
	}
	fmt.Fprintf(secure, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
	_, err = io.Copy(os.Stdout, secure)
	must(err)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
