// Connects to every NAME=PORT and verifies as Go does. Prints "ok NAME" for each.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
)

func main() {
	pem, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		panic("no root")
	}
	for _, pair := range os.Args[2:] {
		at := strings.LastIndex(pair, "=")
		name, port := pair[:at], pair[at+1:]
		conn, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: roots, ServerName: name})
		if err != nil {
			fmt.Println("refused", name, err)
			continue
		}
		conn.Close()
		fmt.Println("ok", name)
	}
}
