// A local program that wants tunnels past inspection: it asks for a host through the proxy, looks at the certificate, and where that is
// not the server's own breaks the handshake off like a pinned app, in three forms by turns: alert 46, close after Finished, reset.
// Where the server's own certificate comes it has its tunnel, uses it and counts it. Built and judged by run-forger.ts.
//
// forger PORT COUNT THREADS SERVER_ROOT.pem HOST...
// Prints {"handshakes":N,"tunnels":N,"errors":N}.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_SECONDS 10

enum form { ALERT, CLOSE, RESET, FORMS };
struct attempt { enum form form; int own; };

static int port;
static long count;
static char **hosts;
static int host_count;
static SSL_CTX *context;
static atomic_long next_attempt, handshakes, tunnels, errors;

// The server's own chain verifies under its root; anything else is the interceptor's.
static int judge(X509_STORE_CTX *store, void *unused) {
  (void)unused;
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct attempt *attempt = SSL_get_app_data(ssl);
  attempt->own = X509_verify_cert(store) == 1;
  if (attempt->own || attempt->form != ALERT) return 1;
  // A code that OpenSSL's table does not know becomes alert 46, certificate_unknown.
  X509_STORE_CTX_set_error(store, 9999);
  return 0;
}

static int dial(const char *host) {
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  struct timeval limit = { .tv_sec = TIMEOUT_SECONDS };
  char head[1024];
  size_t filled = 0;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  int length = snprintf(head, sizeof head, "CONNECT %s:443 HTTP/1.1\r\nHost: %s:443\r\n\r\n", host, host);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || send(fd, head, (size_t)length, 0) != length) goto failed;
  for (;;) {
    // One byte at a time: what follows the head belongs to TLS.
    if (filled == sizeof head - 1 || recv(fd, head + filled, 1, 0) != 1) goto failed;
    head[++filled] = 0;
    if (filled >= 4 && memcmp(head + filled - 4, "\r\n\r\n", 4) == 0) break;
  }
  if (strncmp(head, "HTTP/1.1 200 ", 13) == 0) return fd;
failed:
  close(fd);
  return -1;
}

static void use_tunnel(SSL *ssl, const char *host) {
  char text[2048];
  int length = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
  if (SSL_write(ssl, text, length) <= 0) return;
  while (SSL_read(ssl, text, sizeof text) > 0) continue;
}

static void run_one(long number) {
  const char *host = hosts[number % host_count];
  // Every host sees all three forms in turn.
  struct attempt attempt = { .form = (enum form)((number / host_count) % FORMS), .own = 0 };
  int fd = dial(host);
  if (fd < 0) {
    errors++;
    return;
  }
  SSL *ssl = SSL_new(context);
  SSL_set_app_data(ssl, &attempt);
  SSL_set_tlsext_host_name(ssl, host);
  SSL_set_fd(ssl, fd);
  int done = SSL_connect(ssl) == 1;
  handshakes++;
  if (done && attempt.own) {
    tunnels++;
    use_tunnel(ssl, host);
  } else if (!done && attempt.form != ALERT) errors++;
  if (attempt.form == RESET && !attempt.own) {
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  SSL_free(ssl);
  close(fd);
  ERR_clear_error();
}

static void *work(void *unused) {
  (void)unused;
  for (long number; (number = next_attempt++) < count;) run_one(number);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  signal(SIGPIPE, SIG_IGN);
  port = atoi(argv[1]);
  count = atol(argv[2]);
  int threads = atoi(argv[3]);
  hosts = argv + 5;
  host_count = argc - 5;
  context = SSL_CTX_new(TLS_client_method());
  if (context == NULL || SSL_CTX_load_verify_file(context, argv[4]) != 1) return 3;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_cert_verify_callback(context, judge, NULL);
  pthread_t ids[16];
  if (threads < 1 || threads > 16) return 2;
  for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, work, NULL);
  for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  printf("{\"handshakes\":%ld,\"tunnels\":%ld,\"errors\":%ld}\n", (long)handshakes, (long)tunnels, (long)errors);
  return 0;
}
