// The bench's load client: one program that drives every way (direct, sslsplit, squid, pinlight) with blocking threads over
// OpenSSL, so that the client costs the same for all and little beside them. Built by client.ts at run time; where that
// is not possible load-client.ts does the same in Node with the same arguments and output. Not for judging results.
//
// load-client MODE AMOUNT CONNECTIONS PATH NAME WAY...
//   MODE         connect | keepalive | download (AMOUNT: seconds), latency (AMOUNT: samples for each way)
//   WAY          label=PORT,ROOT.pem,AUTHORITY   AUTHORITY: host:port asked for by HTTP CONNECT, or - for none
// Prints one JSON object a line for each way.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_WAYS 8
#define MAX_THREADS 256
#define BUFFER 65536
// A way that stands still this long has failed; the slowest answer measured here takes a few milliseconds.
#define TIMEOUT_SECONDS 10
// Samples of one way in a row. With one at a time the other ways push its code out of the core's caches in between, and the row
// shows that; with ten, noise of the machine still falls on all ways alike.
#define TURN 10
// Rest before each sample: what a way still does after its last answer (closing, logging) is not part of the next connection.
#define REST_MICROSECONDS 3000

struct way { char label[32]; int port; char root[512]; char authority[256]; char host[256]; };
struct link { int fd; SSL *ssl; };
struct tally {
  long count, errors;
  double bytes;
  double *samples;
  char error[200];
  char protocol[16];
};
struct worker { const struct way *way; struct tally tally; pthread_t thread; };

static const char *mode, *path, *name;
static double amount;
static pthread_barrier_t barrier;
static double deadline;

static double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int failed(struct tally *tally, const char *what) {
  unsigned long code = ERR_peek_error();
  const char *reason = code ? ERR_reason_error_string(code) : NULL;
  if (!reason) reason = errno ? strerror(errno) : "connection closed";
  if (tally->errors++ == 0) {
    snprintf(tally->error, sizeof tally->error, "%s: %s", what, reason);
    for (char *c = tally->error; *c; c++) if (*c == '"' || *c == '\\' || *c < ' ') *c = ' ';
  }
  ERR_clear_error();
  return -1;
}

static SSL_CTX *new_context(const struct way *way) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  static const unsigned char alpn[] = "\x08http/1.1";
  if (!context || !SSL_CTX_load_verify_locations(context, way->root, NULL)) {
    fprintf(stderr, "load-client: cannot read the root %s\n", way->root);
    exit(2);
  }
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);
  // sslsplit answers P-256 only; offering it alone spares that way a HelloRetryRequest and gives all four the same group.
  SSL_CTX_set1_groups_list(context, "P-256");
  return context;
}

static int tell_connect(int fd, const struct way *way, struct tally *tally) {
  char text[1024];
  int length = snprintf(text, sizeof text, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", way->authority, way->authority);
  if (send(fd, text, (size_t)length, MSG_NOSIGNAL) != length) return failed(tally, "CONNECT");
  size_t have = 0;
  for (;;) {
    ssize_t got = recv(fd, text + have, sizeof text - 1 - have, 0);
    if (got <= 0) return failed(tally, "CONNECT");
    have += (size_t)got;
    text[have] = 0;
    if (strstr(text, "\r\n\r\n")) break;
    if (have + 1 >= sizeof text) return failed(tally, "CONNECT answer too long");
  }
  if (strncmp(text + 8, " 200", 4) != 0) { errno = EPROTO; return failed(tally, "CONNECT answered other than 200"); }
  return 0;
}

static int open_link(struct link *link, SSL_CTX *context, const struct way *way, struct tally *tally) {
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)way->port) };
  struct timeval limit = { .tv_sec = TIMEOUT_SECONDS };
  int one = 1;
  link->ssl = NULL;
  errno = 0;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (link->fd < 0) return failed(tally, "socket");
  setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(link->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(link->fd, (struct sockaddr *)&to, sizeof to) != 0) return failed(tally, "TCP connect");
  if (way->authority[0] != '-' && tell_connect(link->fd, way, tally) != 0) return -1;
  link->ssl = SSL_new(context);
  SSL_set_fd(link->ssl, link->fd);
  SSL_set_tlsext_host_name(link->ssl, name);
  SSL_set1_host(link->ssl, name);
  if (SSL_connect(link->ssl) != 1) return failed(tally, "TLS handshake");
  if (!tally->protocol[0]) snprintf(tally->protocol, sizeof tally->protocol, "%s", SSL_get_version(link->ssl));
  return 0;
}

static void close_link(struct link *link) {
  if (link->ssl) { SSL_shutdown(link->ssl); SSL_free(link->ssl); }
  if (link->fd >= 0) close(link->fd);
  link->ssl = NULL;
  link->fd = -1;
  ERR_clear_error();
}

// One GET; every body byte read is added to *bytes until `until`. 1 = whole body, 0 = stopped at `until`, -1 = failed.
static int get(struct link *link, const struct way *way, char *buffer, struct tally *tally, double *bytes, double until) {
  char request[1024];
  int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", path, way->host);
  errno = 0;
  if (SSL_write(link->ssl, request, length) != length) return failed(tally, "request");
  size_t have = 0;
  char *end = NULL;
  while (!end) {
    int got = SSL_read(link->ssl, buffer + have, (int)(BUFFER - 1 - have));
    if (got <= 0) return failed(tally, "answer");
    have += (size_t)got;
    buffer[have] = 0;
    end = strstr(buffer, "\r\n\r\n");
    if (!end && have >= BUFFER - 1) return failed(tally, "answer head too long");
  }
  if (strncmp(buffer + 8, " 200", 4) != 0) { errno = EPROTO; return failed(tally, "answer other than 200"); }
  *end = 0;
  char *field = strcasestr(buffer, "\r\ncontent-length:");
  if (!field) { errno = EPROTO; return failed(tally, "answer without Content-Length"); }
  double left = strtod(field + 17, NULL) - (double)(have - (size_t)(end + 4 - buffer));
  *bytes += (double)(have - (size_t)(end + 4 - buffer));
  while (left > 0) {
    int got = SSL_read(link->ssl, buffer, BUFFER);
    if (got <= 0) return failed(tally, "body");
    if (until > 0 && now_seconds() > until) return 0;
    left -= got;
    *bytes += got;
  }
  return 1;
}

static void *work(void *argument) {
  struct worker *worker = argument;
  struct tally *tally = &worker->tally;
  SSL_CTX *context = new_context(worker->way);
  char *buffer = malloc(BUFFER);
  struct link link = { .fd = -1 };
  const int fresh = strcmp(mode, "connect") == 0;
  const int endless = strcmp(mode, "download") == 0;
  int open = !fresh && open_link(&link, context, worker->way, tally) == 0;
  if (!open) close_link(&link);
  pthread_barrier_wait(&barrier); // everyone is connected
  pthread_barrier_wait(&barrier); // the deadline is set
  while (now_seconds() < deadline) {
    double bytes = 0;
    if (!open) {
      open = open_link(&link, context, worker->way, tally) == 0;
      if (!open) { close_link(&link); usleep(10000); continue; }
    }
    const int answer = get(&link, worker->way, buffer, tally, &bytes, endless ? deadline : 0);
    if (endless || (answer == 1 && now_seconds() <= deadline)) {
      tally->bytes += bytes;
      tally->count += answer == 1;
    }
    if (fresh || answer != 1) { close_link(&link); open = 0; }
  }
  if (open) close_link(&link);
  free(buffer);
  SSL_CTX_free(context);
  return NULL;
}

static void print_tally(const struct way *way, const struct tally *tally, double seconds, long samples) {
  printf("{\"way\":\"%s\",\"count\":%ld,\"bytes\":%.0f,\"seconds\":%.6f,\"errors\":%ld,\"firstError\":\"%s\",\"protocol\":\"%s\",\"samplesMs\":[",
         way->label, tally->count, tally->bytes, seconds, tally->errors, tally->error, tally->protocol);
  for (long i = 0; i < samples; i++) printf("%s%.4f", i ? "," : "", tally->samples[i]);
  printf("]}\n");
}

static void measure_rate(const struct way *way, int connections) {
  static struct worker workers[MAX_THREADS];
  struct tally sum = { 0 };
  memset(workers, 0, sizeof workers);
  pthread_barrier_init(&barrier, NULL, (unsigned)connections + 1);
  for (int i = 0; i < connections; i++) {
    workers[i].way = way;
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) { fprintf(stderr, "load-client: no thread\n"); exit(2); }
  }
  pthread_barrier_wait(&barrier);
  deadline = now_seconds() + amount;
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < connections; i++) {
    const struct tally *one = &workers[i].tally;
    pthread_join(workers[i].thread, NULL);
    sum.count += one->count;
    sum.bytes += one->bytes;
    sum.errors += one->errors;
    if (!sum.error[0]) memcpy(sum.error, one->error, sizeof sum.error);
    if (!sum.protocol[0]) memcpy(sum.protocol, one->protocol, sizeof sum.protocol);
  }
  pthread_barrier_destroy(&barrier);
  print_tally(way, &sum, amount, 0);
}

static void measure_latency(const struct way *ways, int count) {
  struct tally tallies[MAX_WAYS] = { 0 };
  SSL_CTX *contexts[MAX_WAYS];
  int order[MAX_WAYS];
  char *buffer = malloc(BUFFER);
  unsigned seed = 1;
  for (int w = 0; w < count; w++) {
    contexts[w] = new_context(&ways[w]);
    tallies[w].samples = calloc((size_t)amount, sizeof(double));
    order[w] = w;
  }
  for (long sample = 0; sample < (long)amount; sample += TURN) {
    // Shuffled, so that what one way still does after its answer (closing, logging) does not always hit the same next one.
    for (int w = count - 1; w > 0; w--) {
      seed = seed * 1103515245u + 12345u;
      const int other = (int)((seed >> 16) % (unsigned)(w + 1)), held = order[w];
      order[w] = order[other];
      order[other] = held;
    }
    for (int turn = 0; turn < count * TURN; turn++) {
      if (sample + turn % TURN >= (long)amount) continue;
      const int i = turn / TURN;
      struct tally *tally = &tallies[order[i]];
      struct link link = { .fd = -1 };
      double bytes = 0;
      usleep(REST_MICROSECONDS);
      const double start = now_seconds();
      if (open_link(&link, contexts[order[i]], &ways[order[i]], tally) == 0 && get(&link, &ways[order[i]], buffer, tally, &bytes, 0) == 1)
        tally->samples[tally->count++] = (now_seconds() - start) * 1000;
      close_link(&link);
    }
  }
  for (int w = 0; w < count; w++) {
    print_tally(&ways[w], &tallies[w], 0, tallies[w].count);
    free(tallies[w].samples);
    SSL_CTX_free(contexts[w]);
  }
  free(buffer);
}

int main(int argc, char **argv) {
  static struct way ways[MAX_WAYS];
  const int count = argc - 6;
  if (count < 1 || count > MAX_WAYS) { fprintf(stderr, "usage: load-client MODE AMOUNT CONNECTIONS PATH NAME WAY...\n"); return 2; }
  mode = argv[1];
  amount = atof(argv[2]);
  path = argv[4];
  name = argv[5];
  const int connections = atoi(argv[3]);
  if (connections < 1 || connections > MAX_THREADS || amount <= 0) { fprintf(stderr, "load-client: bad amount or connections\n"); return 2; }
  for (int w = 0; w < count; w++) {
    struct way *way = &ways[w];
    if (sscanf(argv[6 + w], "%31[^=]=%d,%511[^,],%255s", way->label, &way->port, way->root, way->authority) != 4) {
      fprintf(stderr, "load-client: bad way %s\n", argv[6 + w]);
      return 2;
    }
    // As browsers do: Host carries a port that is not 443. Squid refuses a request whose Host is not what CONNECT asked for.
    const char *colon = strrchr(way->authority, ':');
    snprintf(way->host, sizeof way->host, "%s", colon && strcmp(colon, ":443") != 0 ? way->authority : name);
  }
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(mode, "latency") == 0) measure_latency(ways, count);
  else for (int w = 0; w < count; w++) measure_rate(&ways[w], connections);
  return 0;
}
